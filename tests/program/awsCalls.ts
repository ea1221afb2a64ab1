import type { Manifest } from "./planned";

/** The calls of AWS's API that make what is planned, by resource type. */

/** One call of AWS's API, with parameters by the API's names; nested ones may keep Pulumi's case. */
export interface Call {
  readonly service: string;
  readonly operation: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * The calls that make a resource. A property that none of them reads fails the test, so that the
 * table follows the program.
 */
export type Calls = (inputs: Manifest, name: string) => readonly Call[];

export function call(service: string, operation: string, parameters: Call["parameters"]): Call {
  return { service, operation, parameters };
}

export const calls: Readonly<Record<string, Calls>> = {
  "aws-native:sagemaker:Endpoint": (it) => [
    call("sagemaker", "CreateEndpoint", {
      EndpointName: it.endpointName,
      EndpointConfigName: it.endpointConfigName,
      DeploymentConfig: it.deploymentConfig,
    }),
    call("sagemaker", "UpdateEndpoint", {
      EndpointName: it.endpointName,
      EndpointConfigName: it.endpointConfigName,
      DeploymentConfig: it.deploymentConfig,
      RetainAllVariantProperties: it.retainAllVariantProperties,
    }),
  ],
  "aws-native:sagemaker:EndpointConfig": (it, name) => [
    call("sagemaker", "CreateEndpointConfig", {
      EndpointConfigName: name,
      ExecutionRoleArn: it.executionRoleArn,
      ProductionVariants: it.productionVariants,
      EnableNetworkIsolation: it.enableNetworkIsolation,
      VpcConfig: it.vpcConfig,
      KmsKeyId: it.kmsKeyId,
      DataCaptureConfig: it.dataCaptureConfig,
    }),
  ],
  "aws-native:sagemaker:InferenceComponent": (it) => [
    call("sagemaker", "CreateInferenceComponent", {
      InferenceComponentName: it.inferenceComponentName,
      EndpointName: it.endpointName,
      VariantName: it.variantName,
      Specification: it.specification,
      RuntimeConfig: it.runtimeConfig,
    }),
    call("sagemaker", "UpdateInferenceComponent", {
      InferenceComponentName: it.inferenceComponentName,
      Specification: it.specification,
      DeploymentConfig: it.deploymentConfig,
    }),
  ],
  "aws:apigateway/account:Account": (it) => [
    call("apigateway", "UpdateAccount", {
      patchOperations: [{ op: "replace", path: "/cloudwatchRoleArn", value: it.cloudwatchRoleArn }],
    }),
  ],
  "aws:apigateway/apiKey:ApiKey": (it, name) => [
    call("apigateway", "CreateApiKey", { name, description: it.description, enabled: true }),
  ],
  "aws:apigateway/deployment:Deployment": (it) => [
    call("apigateway", "CreateDeployment", { restApiId: it.restApi }),
  ],
  "aws:apigateway/methodSettings:MethodSettings": (it) => [
    call("apigateway", "UpdateStage", {
      restApiId: it.restApi,
      stageName: it.stageName,
      patchOperations: Object.entries({
        "throttling/rateLimit": it.settings.throttlingRateLimit,
        "throttling/burstLimit": it.settings.throttlingBurstLimit,
        "logging/loglevel": it.settings.loggingLevel,
        "logging/dataTrace": it.settings.dataTraceEnabled,
        "metrics/enabled": it.settings.metricsEnabled,
      }).map(([setting, value]) => ({
        op: "replace",
        path: `/${it.methodPath}/${setting}`,
        value: String(value),
      })),
    }),
  ],
  "aws:apigateway/restApi:RestApi": (it, name) => [
    call("apigateway", "CreateRestApi", {
      name,
      description: it.description,
      endpointConfiguration: it.endpointConfiguration,
      securityPolicy: it.securityPolicy,
      endpointAccessMode: it.endpointAccessMode,
    }),
    call("apigateway", "PutRestApi", {
      restApiId: "a1b2c3d4e5",
      mode: it.putRestApiMode,
      body: it.body,
    }),
  ],
  "aws:apigateway/stage:Stage": (it) => [
    call("apigateway", "CreateStage", {
      restApiId: it.restApi,
      deploymentId: it.deployment,
      stageName: it.stageName,
      tracingEnabled: it.xrayTracingEnabled,
    }),
    call("apigateway", "UpdateStage", {
      restApiId: it.restApi,
      stageName: it.stageName,
      patchOperations: ["destinationArn", "format"].map((setting) => ({
        op: "replace",
        path: `/accessLogSettings/${setting}`,
        value: it.accessLogSettings[setting],
      })),
    }),
  ],
  "aws:apigateway/usagePlan:UsagePlan": (it, name) => [
    call("apigateway", "CreateUsagePlan", {
      name,
      description: it.description,
      apiStages: it.apiStages,
      throttle: it.throttleSettings,
      quota: it.quotaSettings,
    }),
  ],
  "aws:apigateway/usagePlanKey:UsagePlanKey": (it) => [
    call("apigateway", "CreateUsagePlanKey", {
      usagePlanId: it.usagePlanId,
      keyId: it.keyId,
      keyType: it.keyType,
    }),
  ],
  "aws:appautoscaling/policy:Policy": (it, name) => [
    call("application-autoscaling", "PutScalingPolicy", {
      PolicyName: name,
      PolicyType: it.policyType,
      ServiceNamespace: it.serviceNamespace,
      ResourceId: it.resourceId,
      ScalableDimension: it.scalableDimension,
      TargetTrackingScalingPolicyConfiguration: it.targetTrackingScalingPolicyConfiguration,
      StepScalingPolicyConfiguration:
        it.stepScalingPolicyConfiguration === undefined
          ? undefined
          : {
              ...it.stepScalingPolicyConfiguration,
              stepAdjustments: it.stepScalingPolicyConfiguration.stepAdjustments.map(
                // Pulumi has numbers as text here.
                (step: Manifest) =>
                  Object.fromEntries(
                    Object.entries(step).map(([key, value]) => [key, Number(value)]),
                  ),
              ),
            },
    }),
  ],
  "aws:appautoscaling/scheduledAction:ScheduledAction": (it, name) => [
    call("application-autoscaling", "PutScheduledAction", {
      ScheduledActionName: name,
      ServiceNamespace: it.serviceNamespace,
      ResourceId: it.resourceId,
      ScalableDimension: it.scalableDimension,
      Schedule: it.schedule,
      Timezone: it.timezone,
      ScalableTargetAction: it.scalableTargetAction,
    }),
  ],
  "aws:appautoscaling/target:Target": (it) => [
    call("application-autoscaling", "RegisterScalableTarget", {
      ServiceNamespace: it.serviceNamespace,
      ResourceId: it.resourceId,
      ScalableDimension: it.scalableDimension,
      MinCapacity: it.minCapacity,
      MaxCapacity: it.maxCapacity,
    }),
  ],
  "aws:budgets/budget:Budget": (it, name) => [
    call("budgets", "CreateBudget", {
      AccountId: "123456789012",
      Budget: {
        BudgetName: name,
        BudgetType: it.budgetType,
        TimeUnit: it.timeUnit,
        BudgetLimit: { Amount: it.limitAmount, Unit: it.limitUnit },
        CostFilters: Object.fromEntries(
          it.costFilters.map((filter: Manifest) => [filter.name, filter.values]),
        ),
      },
      NotificationsWithSubscribers: it.notifications.map(
        ({ subscriberEmailAddresses, ...notification }: Manifest) => ({
          Notification: notification,
          Subscribers: subscriberEmailAddresses.map((address: string) => ({
            SubscriptionType: "EMAIL",
            Address: address,
          })),
        }),
      ),
    }),
  ],
  "aws:cloudwatch/dashboard:Dashboard": (it) => [
    call("cloudwatch", "PutDashboard", {
      DashboardName: it.dashboardName,
      DashboardBody: it.dashboardBody,
    }),
  ],
  "aws:cloudwatch/eventRule:EventRule": (it, name) => [
    call("events", "PutRule", {
      Name: name,
      Description: it.description,
      EventPattern: it.eventPattern,
      ScheduleExpression: it.scheduleExpression,
    }),
  ],
  "aws:cloudwatch/eventTarget:EventTarget": (it, name) => [
    call("events", "PutTargets", {
      Rule: it.rule,
      Targets: [
        {
          Id: name,
          Arn: it.arn,
          RoleArn: it.roleArn,
          Input: it.input,
          RetryPolicy: it.retryPolicy && {
            MaximumEventAgeInSeconds: it.retryPolicy.maximumEventAgeInSeconds,
            MaximumRetryAttempts: it.retryPolicy.maximumRetryAttempts,
          },
        },
      ],
    }),
  ],
  "aws:codebuild/project:Project": (it, name) => [
    call("codebuild", "CreateProject", {
      name,
      description: it.description,
      source: it.source,
      artifacts: it.artifacts,
      environment: it.environment,
      serviceRole: it.serviceRole,
      logsConfig: { cloudWatchLogs: it.logsConfig.cloudwatchLogs },
      timeoutInMinutes: it.buildTimeout,
      queuedTimeoutInMinutes: it.queuedTimeout,
      concurrentBuildLimit: it.concurrentBuildLimit,
    }),
  ],
  "aws:cloudwatch/logGroup:LogGroup": (it, name) => [
    call("logs", "CreateLogGroup", { logGroupName: name }),
    call("logs", "PutRetentionPolicy", {
      logGroupName: name,
      retentionInDays: it.retentionInDays,
    }),
  ],
  "aws:cloudwatch/metricAlarm:MetricAlarm": (it, name) => [
    call("cloudwatch", "PutMetricAlarm", {
      AlarmName: name,
      AlarmDescription: it.alarmDescription,
      OKActions: it.okActions,
      AlarmActions: it.alarmActions,
      MetricName: it.metricName,
      Namespace: it.namespace,
      Statistic: it.statistic,
      ExtendedStatistic: it.extendedStatistic,
      Dimensions: it.dimensions,
      Period: it.period,
      EvaluationPeriods: it.evaluationPeriods,
      DatapointsToAlarm: it.datapointsToAlarm,
      Threshold: it.threshold,
      ComparisonOperator: it.comparisonOperator,
      TreatMissingData: it.treatMissingData,
      EvaluateLowSampleCountPercentile: it.evaluateLowSampleCountPercentiles,
      Metrics: it.metricQueries?.map(({ metric, ...query }: Manifest) => ({
        ...query,
        ...(metric === undefined
          ? {}
          : {
              MetricStat: {
                Metric: {
                  Namespace: metric.namespace,
                  MetricName: metric.metricName,
                  Dimensions: metric.dimensions,
                },
                Period: metric.period,
                Stat: metric.stat,
              },
            }),
      })),
    }),
  ],
  "aws:costexplorer/costAllocationTag:CostAllocationTag": (it) => [
    call("ce", "UpdateCostAllocationTagsStatus", {
      CostAllocationTagsStatus: [{ TagKey: it.tagKey, Status: it.status }],
    }),
  ],
  "aws:dynamodb/table:Table": (it, name) => [
    call("dynamodb", "CreateTable", {
      TableName: name,
      BillingMode: it.billingMode,
      KeySchema: [{ AttributeName: it.hashKey, KeyType: "HASH" }],
      AttributeDefinitions: it.attributes.map((attribute: Manifest) => ({
        AttributeName: attribute.name,
        AttributeType: attribute.type,
      })),
      GlobalSecondaryIndexes: it.globalSecondaryIndexes?.map((index: Manifest) => ({
        IndexName: index.name,
        KeySchema: index.keySchemas.map((key: Manifest) => ({
          AttributeName: key.attributeName,
          KeyType: key.keyType,
        })),
        Projection: { ProjectionType: index.projectionType },
      })),
      SSESpecification: it.serverSideEncryption,
      DeletionProtectionEnabled: it.deletionProtectionEnabled,
    }),
    call("dynamodb", "UpdateContinuousBackups", {
      TableName: name,
      PointInTimeRecoverySpecification: {
        PointInTimeRecoveryEnabled: it.pointInTimeRecovery.enabled,
        RecoveryPeriodInDays: it.pointInTimeRecovery.recoveryPeriodInDays,
      },
    }),
    call("dynamodb", "UpdateTimeToLive", { TableName: name, TimeToLiveSpecification: it.ttl }),
  ],
  "aws:ec2/flowLog:FlowLog": (it) => [
    call("ec2", "CreateFlowLogs", {
      ResourceIds: [it.vpcId],
      ResourceType: "VPC",
      TrafficType: it.trafficType,
      LogDestinationType: it.logDestinationType,
      LogDestination: it.logDestination,
      DeliverLogsPermissionArn: it.iamRoleArn,
    }),
  ],
  "aws:ec2/launchTemplate:LaunchTemplate": (it, name) => [
    call("ec2", "CreateLaunchTemplate", {
      LaunchTemplateName: name,
      LaunchTemplateData: {
        BlockDeviceMappings: it.blockDeviceMappings,
        IamInstanceProfile: it.iamInstanceProfile,
        ImageId: it.imageId,
        InstanceType: it.instanceType,
        MetadataOptions: it.metadataOptions,
        NetworkInterfaces: it.networkInterfaces?.map(
          ({ securityGroups, ...networkInterface }: Manifest) => ({
            ...networkInterface,
            Groups: securityGroups,
          }),
        ),
        TagSpecifications: it.tagSpecifications,
        UserData: it.userData,
      },
    }),
    call("ec2", "ModifyLaunchTemplate", {
      LaunchTemplateName: name,
      DefaultVersion: it.updateDefaultVersion ? "2" : undefined,
    }),
  ],
  "aws:ec2/securityGroup:SecurityGroup": (it, name) => [
    call("ec2", "CreateSecurityGroup", {
      GroupName: name,
      Description: it.description,
      VpcId: it.vpcId,
    }),
  ],
  "aws:ec2/vpcEndpoint:VpcEndpoint": (it) => [
    call("ec2", "CreateVpcEndpoint", {
      VpcEndpointType: it.vpcEndpointType,
      VpcId: it.vpcId,
      ServiceName: it.serviceName,
      SubnetIds: it.subnetIds,
      SecurityGroupIds: it.securityGroupIds,
      PrivateDnsEnabled: it.privateDnsEnabled,
      TagSpecifications: [{ ResourceType: "vpc-endpoint", Tags: it.tags }],
    }),
  ],
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": (it) => [
    call("ecr", "PutLifecyclePolicy", {
      repositoryName: it.repository,
      lifecyclePolicyText: it.policy,
    }),
  ],
  "aws:ecr/repository:Repository": (it, name) => [
    call("ecr", "CreateRepository", {
      repositoryName: name,
      imageTagMutability: it.imageTagMutability,
      imageScanningConfiguration: it.imageScanningConfiguration,
      encryptionConfiguration: it.encryptionConfigurations[0],
    }),
    call("ecr", "DeleteRepository", { repositoryName: name, force: it.forceDelete }),
  ],
  "aws:eks/accessEntry:AccessEntry": (it) => [
    call("eks", "CreateAccessEntry", {
      clusterName: it.clusterName,
      principalArn: it.principalArn,
      type: it.type,
    }),
  ],
  "aws:eks/addon:Addon": (it) => [
    call("eks", "CreateAddon", {
      clusterName: it.clusterName,
      addonName: it.addonName,
      addonVersion: it.addonVersion,
      configurationValues: it.configurationValues,
      resolveConflicts: it.resolveConflictsOnCreate,
    }),
    call("eks", "UpdateAddon", {
      clusterName: it.clusterName,
      addonName: it.addonName,
      resolveConflicts: it.resolveConflictsOnUpdate,
    }),
  ],
  "aws:eks/nodeGroup:NodeGroup": (it) => [
    call("eks", "CreateNodegroup", {
      clusterName: it.clusterName,
      nodegroupName: `${it.nodeGroupNamePrefix}20260801120000000000000001`,
      amiType: it.amiType,
      instanceTypes: it.instanceTypes,
      labels: it.labels,
      launchTemplate: it.launchTemplate,
      nodeRole: it.nodeRoleArn,
      releaseVersion: it.releaseVersion,
      scalingConfig: it.scalingConfig,
      subnets: it.subnetIds,
      taints: it.taints,
      updateConfig: it.updateConfig,
      version: it.version,
    }),
  ],
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": (it) => [
    call("eks", "CreatePodIdentityAssociation", {
      clusterName: it.clusterName,
      namespace: it.namespace,
      serviceAccount: it.serviceAccount,
      roleArn: it.roleArn,
    }),
  ],
  "aws:iam/instanceProfile:InstanceProfile": (it, name) => [
    call("iam", "CreateInstanceProfile", { InstanceProfileName: name }),
    call("iam", "AddRoleToInstanceProfile", { InstanceProfileName: name, RoleName: it.role }),
  ],
  "aws:iam/role:Role": (it, name) => [
    call("iam", "CreateRole", {
      RoleName: name,
      AssumeRolePolicyDocument: it.assumeRolePolicy,
      Description: it.description,
    }),
  ],
  "aws:iam/rolePolicy:RolePolicy": (it, name) => [
    call("iam", "PutRolePolicy", {
      RoleName: it.role,
      PolicyName: name,
      PolicyDocument: it.policy,
    }),
  ],
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (it) => [
    call("iam", "AttachRolePolicy", { RoleName: it.role, PolicyArn: it.policyArn }),
  ],
  "aws:kms/alias:Alias": (it, name) => [
    call("kms", "CreateAlias", { AliasName: name, TargetKeyId: it.targetKeyId }),
  ],
  "aws:kms/key:Key": (it) => [
    call("kms", "CreateKey", { Description: it.description, Policy: it.policy }),
    ...(it.enableKeyRotation ? [call("kms", "EnableKeyRotation", { KeyId: "key" })] : []),
    call("kms", "ScheduleKeyDeletion", {
      KeyId: "key",
      PendingWindowInDays: it.deletionWindowInDays,
    }),
  ],
  "aws:lambda/function:Function": (it, name) => [
    call("lambda", "CreateFunction", {
      FunctionName: name,
      Description: it.description,
      Architectures: it.architectures,
      Runtime: it.runtime,
      Handler: it.handler,
      Code: { ZipFile: JSON.stringify(it.code) },
      Role: it.role,
      MemorySize: it.memorySize,
      Timeout: it.timeout,
      Environment: it.environment,
      LoggingConfig: it.loggingConfig,
      TracingConfig: it.tracingConfig,
    }),
  ],
  "aws:lambda/eventSourceMapping:EventSourceMapping": (it) => [
    call("lambda", "CreateEventSourceMapping", {
      EventSourceArn: it.eventSourceArn,
      FunctionName: it.functionName,
      BatchSize: it.batchSize,
      FunctionResponseTypes: it.functionResponseTypes,
      MaximumBatchingWindowInSeconds: it.maximumBatchingWindowInSeconds,
      ScalingConfig: it.scalingConfig,
      FilterCriteria: it.filterCriteria,
    }),
  ],
  "aws:lambda/permission:Permission": (it) => [
    call("lambda", "AddPermission", {
      FunctionName: it.function,
      StatementId: "statement",
      Action: it.action,
      Principal: it.principal,
      SourceArn: it.sourceArn,
    }),
  ],
  "aws:s3/bucket:Bucket": (_, name) => [call("s3", "CreateBucket", { Bucket: name })],
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (it) => [
    call("s3", "PutBucketLifecycleConfiguration", {
      Bucket: it.bucket,
      LifecycleConfiguration: { Rules: it.rules },
    }),
  ],
  "aws:s3/bucketObjectv2:BucketObjectv2": (it) => [
    call("s3", "PutObject", { Bucket: it.bucket, Key: it.key }),
  ],
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (it) => [
    call("s3", "PutBucketOwnershipControls", {
      Bucket: it.bucket,
      OwnershipControls: { Rules: [it.rule] },
    }),
  ],
  "aws:s3/bucketPolicy:BucketPolicy": (it) => [
    call("s3", "PutBucketPolicy", { Bucket: it.bucket, Policy: it.policy }),
  ],
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (it) => [
    call("s3", "PutPublicAccessBlock", {
      Bucket: it.bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: it.blockPublicAcls,
        BlockPublicPolicy: it.blockPublicPolicy,
        IgnorePublicAcls: it.ignorePublicAcls,
        RestrictPublicBuckets: it.restrictPublicBuckets,
      },
    }),
  ],
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
    it,
  ) => [
    call("s3", "PutBucketEncryption", {
      Bucket: it.bucket,
      ServerSideEncryptionConfiguration: { Rules: it.rules },
    }),
  ],
  "aws:s3/bucketVersioning:BucketVersioning": (it) => [
    call("s3", "PutBucketVersioning", {
      Bucket: it.bucket,
      VersioningConfiguration: it.versioningConfiguration,
    }),
  ],
  "aws:sagemaker/endpoint:Endpoint": (it, name) => [
    call("sagemaker", "CreateEndpoint", {
      EndpointName: name,
      EndpointConfigName: it.endpointConfigName,
      DeploymentConfig: it.deploymentConfig,
    }),
  ],
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration": (it, name) => [
    call("sagemaker", "CreateEndpointConfig", {
      EndpointConfigName: name,
      ProductionVariants: it.productionVariants.map(({ routingConfigs, ...variant }: Manifest) => ({
        ...variant,
        ...(routingConfigs === undefined ? {} : { RoutingConfig: routingConfigs[0] }),
      })),
      KmsKeyId: it.kmsKeyArn,
      AsyncInferenceConfig: it.asyncInferenceConfig,
      DataCaptureConfig: it.dataCaptureConfig,
    }),
  ],
  "aws:sagemaker/model:Model": (it, name) => [
    call("sagemaker", "CreateModel", {
      ModelName: name,
      ExecutionRoleArn: it.executionRoleArn,
      PrimaryContainer: {
        ...it.primaryContainer,
        modelDataSource: { S3DataSource: it.primaryContainer.modelDataSource.s3DataSources[0] },
      },
      EnableNetworkIsolation: it.enableNetworkIsolation,
      VpcConfig: it.vpcConfig,
    }),
  ],
  "aws:scheduler/schedule:Schedule": (it, name) => [
    call("scheduler", "CreateSchedule", {
      Name: name,
      Description: it.description,
      ScheduleExpression: it.scheduleExpression,
      ScheduleExpressionTimezone: it.scheduleExpressionTimezone,
      FlexibleTimeWindow: it.flexibleTimeWindow,
      Target: it.target,
    }),
  ],
  "aws:sns/topic:Topic": (it, name) => [
    call("sns", "CreateTopic", { Name: name, Attributes: { KmsMasterKeyId: it.kmsMasterKeyId } }),
  ],
  "aws:sns/topicPolicy:TopicPolicy": (it) => [
    call("sns", "SetTopicAttributes", {
      TopicArn: it.arn,
      AttributeName: "Policy",
      AttributeValue: it.policy,
    }),
  ],
  "aws:sns/topicSubscription:TopicSubscription": (it) => [
    call("sns", "Subscribe", {
      TopicArn: it.topic,
      Protocol: it.protocol,
      Endpoint: it.endpoint,
      Attributes: {
        RawMessageDelivery: it.rawMessageDelivery,
        FilterPolicy: it.filterPolicy,
        FilterPolicyScope: it.filterPolicyScope,
        RedrivePolicy: it.redrivePolicy,
      },
    }),
  ],
  "aws:sqs/queue:Queue": (it, name) => [
    call("sqs", "CreateQueue", {
      QueueName: name,
      Attributes: {
        MessageRetentionPeriod: it.messageRetentionSeconds,
        SqsManagedSseEnabled: it.sqsManagedSseEnabled,
        VisibilityTimeout: it.visibilityTimeoutSeconds,
        ReceiveMessageWaitTimeSeconds: it.receiveWaitTimeSeconds,
        RedrivePolicy: it.redrivePolicy,
        RedriveAllowPolicy: it.redriveAllowPolicy,
      },
    }),
  ],
  "aws:sqs/queuePolicy:QueuePolicy": (it) => [
    call("sqs", "SetQueueAttributes", { QueueUrl: it.queueUrl, Attributes: { Policy: it.policy } }),
  ],
  "aws:ssm/document:Document": (it, name) => [
    call("ssm", "CreateDocument", {
      Name: name,
      Content: it.content,
      DocumentType: it.documentType,
      DocumentFormat: it.documentFormat,
      TargetType: it.targetType,
    }),
  ],
  "aws:ssm/parameter:Parameter": (it, name) => [
    call("ssm", "PutParameter", {
      Name: name,
      Description: it.description,
      Type: it.type,
      Value: it.value,
    }),
  ],
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (it) => [
    call("ec2", "AuthorizeSecurityGroupEgress", {
      GroupId: it.securityGroupId,
      IpPermissions: [permission(it)],
    }),
  ],
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (it) => [
    call("ec2", "AuthorizeSecurityGroupIngress", {
      GroupId: it.securityGroupId,
      IpPermissions: [permission(it)],
    }),
  ],
  "aws:wafv2/webAclAssociation:WebAclAssociation": (it) => [
    call("wafv2", "AssociateWebACL", { WebACLArn: it.webAclArn, ResourceArn: it.resourceArn }),
  ],
  "eks:index:Cluster": (it, name) => [
    call("eks", "CreateCluster", {
      name,
      version: it.version,
      roleArn: `arn:aws:iam::123456789012:role/${it.serviceRole}`,
      resourcesVpcConfig: {
        subnetIds: [...it.privateSubnetIds, ...it.publicSubnetIds],
        endpointPrivateAccess: it.endpointPrivateAccess,
        endpointPublicAccess: it.endpointPublicAccess,
        publicAccessCidrs: it.publicAccessCidrs,
      },
      accessConfig: { authenticationMode: it.authenticationMode },
      bootstrapSelfManagedAddons: it.bootstrapSelfManagedAddons,
      deletionProtection: it.deletionProtection,
      encryptionConfig: [
        { resources: ["secrets"], provider: { keyArn: it.encryptionConfigKeyArn } },
      ],
      logging: { clusterLogging: [{ types: it.enabledClusterLogTypes, enabled: true }] },
      upgradePolicy: it.upgradePolicy,
    }),
    ...Object.values(it.accessEntries).flatMap((entry: Manifest) => [
      call("eks", "CreateAccessEntry", {
        clusterName: name,
        principalArn: entry.principalArn,
        ...(entry.kubernetesGroups === undefined
          ? {}
          : { kubernetesGroups: entry.kubernetesGroups }),
      }),
      ...Object.values(entry.accessPolicies ?? {}).map((policy) =>
        call("eks", "AssociateAccessPolicy", {
          clusterName: name,
          principalArn: entry.principalArn,
          ...(policy as object),
        }),
      ),
    ]),
  ],
};

function permission(it: Manifest) {
  return {
    IpProtocol: it.ipProtocol,
    FromPort: it.fromPort,
    ToPort: it.toPort,
    ...(it.prefixListId === undefined
      ? { IpRanges: [{ CidrIp: it.cidrIpv4, Description: it.description }] }
      : { PrefixListIds: [{ PrefixListId: it.prefixListId, Description: it.description }] }),
  };
}

/** Types that no single call makes. */
export const withoutCall: Readonly<Record<string, string>> = {
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
    "Makes nothing: the provider takes the rules out of the group that every VPC comes with.",
  "awsx:ec2:Vpc": "A component of awsx, whose own resources a plan does not show.",
  "awsx:ecr:Image": "Builds with Docker and pushes.",
};

/** Properties that steer the provider, or a component of Pulumi, and that no call carries. */
export const notForAws: Readonly<Record<string, readonly string[]>> = {
  "aws:apigateway/deployment:Deployment": ["triggers"],
  "aws:s3/bucket:Bucket": ["forceDestroy"],
  "aws:s3/bucketObjectv2:BucketObjectv2": ["source", "overrideProvider"],
  "aws:sns/topicSubscription:TopicSubscription": [
    "endpointAutoConfirms",
    "confirmationTimeoutInMinutes",
  ],
  "eks:index:Cluster": [
    "vpcId",
    "createOidcProvider",
    "skipDefaultNodeGroup",
    "skipDefaultSecurityGroups",
    "useDefaultVpcCni",
    "kubeProxyAddonOptions",
    "corednsAddonOptions",
  ],
};
