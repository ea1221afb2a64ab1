import { z } from "zod";
import { configurationTypes } from "../endpoints";
import { refusesPlainText, type Statement, statementsOf } from "../iamDocument";
import { listed } from "../listed";
import { isProduction, production } from "../production";
import { isSet, type Resource, referring, type Stack } from "../resource";
import { type Area, resourceRule, stackRule } from "../rule";

const bucketTypes = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"] as const;

const ebsBlocks = ["aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance"] as const;

/** The resources of a type that configure one bucket. */
function configuring(stack: Stack, bucket: Resource, ...types: readonly string[]) {
  return referring(stack, bucket, "bucket", ...types);
}

const bucketPrivate = stackRule({
  name: "bucket-private",
  level: "mandatory",
  protectsFrom: "A model or a picture that the whole internet can read.",
  remedy: "Give the bucket a BucketPublicAccessBlock with all four settings true.",
  types: bucketTypes,
  check: (bucket, stack, report) => {
    const blocks = configuring(
      stack,
      bucket,
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    );
    if (blocks.length === 0) report("has no public access block");
    for (const { props } of blocks)
      for (const setting of [
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
      ])
        if (props[setting] !== true) report(`${setting} is not true`);
  },
});

const bucketEncrypted = stackRule({
  name: "bucket-encrypted",
  level: "mandatory",
  protectsFrom:
    "Objects whose encryption nobody chose, and that a change of AWS's default would change.",
  remedy: "Give the bucket a BucketServerSideEncryptionConfiguration with AES256 or aws:kms.",
  types: bucketTypes,
  check: (bucket, stack, report) => {
    const configurations = configuring(
      stack,
      bucket,
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
      "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
    );
    const algorithms = configurations.flatMap(({ props }) =>
      listed(props.rules).map(
        (rule) => rule.applyServerSideEncryptionByDefault?.sseAlgorithm ?? "none",
      ),
    );
    if (algorithms.length === 0) report("has no encryption configuration");
    for (const algorithm of algorithms)
      if (!["AES256", "aws:kms", "aws:kms:dsse"].includes(algorithm))
        report(`the encryption's algorithm is ${algorithm}`);
  },
});

const bucketTlsOnly = stackRule({
  name: "bucket-tls-only",
  level: "mandatory",
  protectsFrom: "Objects and credentials that travel in plain text.",
  remedy: "Deny everything where aws:SecureTransport is false, in the bucket's policy.",
  types: bucketTypes,
  check: (bucket, stack, report) => {
    const policies = configuring(stack, bucket, "aws:s3/bucketPolicy:BucketPolicy");
    const refuses = policies.some(({ props }) =>
      statementsOf(props.policy, "policy").some(
        (statement) => refusesPlainText(statement, "s3:*") && coversBucket(statement),
      ),
    );
    if (!refuses) report("takes plain HTTP");
  },
});

/** Whether a statement is about a bucket and all objects in it: `ARN` and `ARN/*`. */
function coversBucket({ resources }: Statement): boolean {
  const all = resources.includes("*");
  return (
    all ||
    (resources.some((arn) => !arn.includes("/")) &&
      resources.some((arn) => /^[^/]+\/\*$/.test(arn)))
  );
}

const bucketVersioned = stackRule({
  name: "bucket-versioned",
  level: "mandatory",
  protectsFrom: "An object that is overwritten or deleted by mistake and gone.",
  remedy:
    "Give the bucket a BucketVersioning with the status Enabled, and let old versions expire.",
  types: bucketTypes,
  check: (bucket, stack, report) => {
    const versionings = configuring(
      stack,
      bucket,
      "aws:s3/bucketVersioning:BucketVersioning",
      "aws:s3/bucketVersioningV2:BucketVersioningV2",
    );
    const status = versionings.map(({ props }) => props.versioningConfiguration?.status)[0];
    if (status !== "Enabled") report(`its versioning is ${status ?? "not configured"}`);
  },
});

const keyRotation = resourceRule({
  name: "kms-key-rotation",
  level: "mandatory",
  protectsFrom: "A key that once leaked opens everything that is ever written with it.",
  remedy: "Set enableKeyRotation to true.",
  types: ["aws:kms/key:Key"],
  check: ({ props }, report) => {
    const asymmetric =
      isSet(props, "customerMasterKeySpec") && props.customerMasterKeySpec !== "SYMMETRIC_DEFAULT";
    if (!asymmetric && props.enableKeyRotation !== true) report("enableKeyRotation is not true");
  },
});

const keyDeletionWindow = resourceRule({
  name: "kms-key-deletion-window",
  level: "mandatory",
  protectsFrom: "A key that is gone before anybody notices that its data cannot be read any more.",
  remedy: "Leave deletionWindowInDays at its 30 days, or raise it to what the setting allows.",
  types: ["aws:kms/key:Key"],
  config: {
    minimumDays: z.number().int().min(7).max(30).default(14).describe("The shortest window."),
  },
  check: ({ props }, report, { minimumDays }) => {
    if (isSet(props, "deletionWindowInDays") && props.deletionWindowInDays < minimumDays)
      report(`deletionWindowInDays is ${props.deletionWindowInDays}, less than ${minimumDays}`);
  },
});

const volumesEncrypted = resourceRule({
  name: "volumes-encrypted",
  level: "mandatory",
  protectsFrom: "A disk that can be read from a snapshot or a machine that is sold on.",
  remedy: "Set encrypted to true for every volume.",
  types: [
    ...ebsBlocks,
    "aws:ebs/volume:Volume",
    "aws:efs/fileSystem:FileSystem",
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
  ],
  check: ({ type, props }, report) => {
    if (type === "aws:ebs/volume:Volume" || type === "aws:efs/fileSystem:FileSystem") {
      if (!isTrue(props.encrypted)) report("encrypted is not true");
      return;
    }
    const devices = type.endsWith(":EC2NodeClass")
      ? listed(props.spec?.blockDeviceMappings)
      : [
          ...listed(props.blockDeviceMappings),
          ...listed(props.ebsBlockDevices).map((ebs) => ({ deviceName: ebs.deviceName, ebs })),
          ...(isSet(props, "rootBlockDevice") ? [{ ebs: props.rootBlockDevice }] : []),
        ];
    if (devices.length === 0 || (type.endsWith(":Instance") && !isSet(props, "rootBlockDevice")))
      report("does not name its root volume, so that the machine image decides on its encryption");
    for (const { deviceName, ebs } of devices)
      if (ebs !== undefined && ebs !== null && !isTrue(ebs.encrypted))
        report(`the volume ${deviceName ?? "of the machine"} is not encrypted`);
  },
});

/** Some properties of AWS resources are texts, others may be given as one. */
function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}

const tablesRecoverable = resourceRule({
  name: "tables-recoverable",
  level: "mandatory",
  protectsFrom: "Tasks that a wrong deployment wrote over, with no state to go back to.",
  remedy: "Set pointInTimeRecovery.enabled and serverSideEncryption.enabled to true.",
  types: ["aws:dynamodb/table:Table"],
  check: ({ props }, report) => {
    if (props.pointInTimeRecovery?.enabled !== true)
      report("pointInTimeRecovery.enabled is not true");
    if (props.serverSideEncryption?.enabled !== true)
      report("serverSideEncryption.enabled is not true");
  },
});

/** What holds data that cannot be made again by `pulumi up`. */
const dataTypes = [
  ...bucketTypes,
  "aws:dynamodb/table:Table",
  "aws:ecr/repository:Repository",
  "aws:efs/fileSystem:FileSystem",
  "aws:ebs/volume:Volume",
  "aws:kms/key:Key",
] as const;

const dataProtected = stackRule({
  name: "data-protected-in-production",
  level: "mandatory",
  protectsFrom:
    "A `pulumi destroy`, or a replacement, that takes the models, the results or the key to them along.",
  remedy: "Set diffusion-fleet:protectData to true.",
  types: dataTypes,
  config: production,
  check: (resource, stack, report, config) => {
    if (!isProduction(resource, config)) return;
    if (resource.type === "aws:kms/key:Key" && !encryptsData(stack, resource)) return;
    if (!resource.protect) report("holds data and is not protected");
  },
});

/** Whether data that is kept was written with a key. */
function encryptsData(stack: Stack, key: Resource): boolean {
  return [
    ["encryptionConfigKeyArn", "eks:index:Cluster"],
    ["encryptionConfig", "aws:eks/cluster:Cluster"],
    [
      "rules",
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    ],
    [
      "rules",
      "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
    ],
    ...configurationTypes.flatMap((type) => [
      ["asyncInferenceConfig", type],
      ["dataCaptureConfig", type],
    ]),
    ["serverSideEncryption", "aws:dynamodb/table:Table"],
    ["encryptionConfigurations", "aws:ecr/repository:Repository"],
    ["kmsKeyId", "aws:ebs/volume:Volume"],
    ["kmsKeyId", "aws:efs/fileSystem:FileSystem"],
  ].some(([property, type]) => referring(stack, key, property!, type!).length > 0);
}

const noForcedDeletion = resourceRule({
  name: "no-forced-deletion-in-production",
  level: "mandatory",
  protectsFrom: "A bucket or repository that is deleted with everything in it.",
  remedy: "Set diffusion-fleet:protectData to true.",
  types: [...bucketTypes, "aws:ecr/repository:Repository"],
  config: production,
  check: (resource, report, config) => {
    if (!isProduction(resource, config)) return;
    for (const property of ["forceDestroy", "forceDelete"])
      if (isTrue(resource.props[property])) report(`${property} is true`);
  },
});

export const storage: Area = {
  title: "Storage and keys",
  rules: [
    bucketPrivate,
    bucketEncrypted,
    bucketTlsOnly,
    bucketVersioned,
    keyRotation,
    keyDeletionWindow,
    volumesEncrypted,
    tablesRecoverable,
    dataProtected,
    noForcedDeletion,
  ],
};
