import * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "./podIdentity";
import type { Scope } from "./scope";

export interface LoadBalancerControllerPolicyArgs {
  readonly scope: Scope;
  readonly clusterName: string;
  readonly vpcId: pulumi.Input<string>;
  /** The web ACL that is attached to a load balancer, if any. */
  readonly webAclArn?: pulumi.Input<string> | undefined;
  /** The Cognito user pool that listeners sign users in with, if any. */
  readonly userPoolArn?: pulumi.Input<string> | undefined;
}

/**
 * What the load balancer controller may do: make load balancers in this VPC, and change only what
 * carries this cluster's tag.
 *
 * Source: kubernetes-sigs/aws-load-balancer-controller v3.5.0, docs/install/iam_policy.json. Where
 * that asks whether the tag `elbv2.k8s.aws/cluster` is there, this asks for this cluster's name;
 * and where it asks for nothing (listeners, rules, targets), this asks for the tag too, which
 * version 3 gives to listeners and rules as well. Left out: network load balancers, certificate
 * discovery (the certificate is named), capacity reservations, IPAM pools, WAF classic, Shield.
 */
export function loadBalancerControllerStatements(
  args: LoadBalancerControllerPolicyArgs,
): PolicyStatement[] {
  return [
    ...discovery(args),
    ...securityGroups(args),
    ...loadBalancers(args),
    ...(args.webAclArn === undefined ? [] : webAcl(args, args.webAclArn)),
    ...(args.userPoolArn === undefined ? [] : signIn(args.userPoolArn)),
  ];
}

const CLUSTER_TAG = "elbv2.k8s.aws/cluster";

function discovery({ scope, vpcId }: LoadBalancerControllerPolicyArgs): PolicyStatement[] {
  const { partition, region, accountId } = scope;
  const service = "elasticloadbalancing.amazonaws.com";
  const serviceLinkedRole = `aws-service-role/${service}/AWSServiceRoleForElasticLoadBalancing`;
  return [
    {
      Sid: "ServiceLinkedRole",
      Effect: "Allow",
      Action: "iam:CreateServiceLinkedRole",
      // The account's first load balancer makes it.
      Resource: pulumi.interpolate`arn:${partition}:iam::${accountId}:role/${serviceLinkedRole}`,
      Condition: { StringEquals: { "iam:AWSServiceName": service } },
    },
    {
      Sid: "DiscoverGroups",
      Effect: "Allow",
      Action: "ec2:GetSecurityGroupsForVpc",
      Resource: pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}:vpc/${vpcId}`,
    },
    {
      Sid: "Discover",
      Effect: "Allow",
      Action: [
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInstances",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeIpamPools",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTags",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeVpcs",
        "elasticloadbalancing:DescribeCapacityReservation",
        "elasticloadbalancing:DescribeListenerAttributes",
        "elasticloadbalancing:DescribeListenerCertificates",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeSSLPolicies",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTrustStores",
      ],
      // Describe actions of EC2 and Elastic Load Balancing take no resource.
      Resource: "*",
    },
  ];
}

function securityGroups(args: LoadBalancerControllerPolicyArgs): PolicyStatement[] {
  const { partition, region, accountId } = args.scope;
  const ec2 = (rest: pulumi.Input<string>) =>
    pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}:${rest}`;
  const groups = ec2("security-group/*");
  return [
    {
      Sid: "CreateGroup",
      Effect: "Allow",
      Action: "ec2:CreateSecurityGroup",
      Resource: ec2(pulumi.interpolate`vpc/${args.vpcId}`),
    },
    {
      Sid: "CreateTaggedGroup",
      Effect: "Allow",
      Action: "ec2:CreateSecurityGroup",
      Resource: groups,
      Condition: becomesOurs(args),
    },
    {
      Sid: "TagNewGroup",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: groups,
      Condition: {
        StringEquals: {
          ...becomesOurs(args).StringEquals,
          "ec2:CreateAction": "CreateSecurityGroup",
        },
      },
    },
    {
      Sid: "TagGroup",
      Effect: "Allow",
      Action: ["ec2:CreateTags", "ec2:DeleteTags"],
      Resource: groups,
      Condition: isOursAndStays(args),
    },
    {
      Sid: "ChangeGroup",
      Effect: "Allow",
      Action: [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup",
      ],
      Resource: groups,
      Condition: isOurs(args),
    },
    {
      Sid: "LetTrafficToPods",
      Effect: "Allow",
      Action: ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
      Resource: groups,
      Condition: {
        StringEquals: {
          // EKS tags the cluster's group so, and the controller finds the nodes' group by it.
          [`aws:ResourceTag/kubernetes.io/cluster/${args.clusterName}`]: ["owned", "shared"],
        },
      },
    },
  ];
}

function loadBalancers(args: LoadBalancerControllerPolicyArgs): PolicyStatement[] {
  const [loadBalancer, targetGroup, listener, rule] = [
    "loadbalancer/app/*/*",
    "targetgroup/*/*",
    "listener/app/*/*/*",
    "listener-rule/app/*/*/*/*",
  ].map((kind) => elb(args.scope, kind)) as [ElbArn, ElbArn, ElbArn, ElbArn];
  const everything = [loadBalancer, targetGroup, listener, rule];
  return [
    {
      Sid: "Create",
      Effect: "Allow",
      Action: ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
      Resource: [loadBalancer, targetGroup],
      Condition: becomesOurs(args),
    },
    {
      Sid: "CreateListenersAndRules",
      Effect: "Allow",
      Action: ["elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateRule"],
      // A listener is made in its load balancer, and a rule in its listener.
      Resource: [loadBalancer, listener],
      Condition: isOurs(args),
    },
    {
      Sid: "TagNew",
      Effect: "Allow",
      Action: "elasticloadbalancing:AddTags",
      Resource: everything,
      Condition: {
        StringEquals: {
          ...becomesOurs(args).StringEquals,
          "elasticloadbalancing:CreateAction": [
            "CreateLoadBalancer",
            "CreateTargetGroup",
            "CreateListener",
            "CreateRule",
          ],
        },
      },
    },
    {
      Sid: "Tag",
      Effect: "Allow",
      Action: ["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"],
      Resource: everything,
      Condition: isOursAndStays(args),
    },
    {
      Sid: "Change",
      Effect: "Allow",
      Action: [
        "elasticloadbalancing:AddListenerCertificates",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:DeleteRule",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:RemoveListenerCertificates",
        "elasticloadbalancing:SetIpAddressType",
        "elasticloadbalancing:SetRulePriorities",
        "elasticloadbalancing:SetSecurityGroups",
        "elasticloadbalancing:SetSubnets",
      ],
      Resource: everything,
      Condition: isOurs(args),
    },
  ];
}

function webAcl(
  args: LoadBalancerControllerPolicyArgs,
  webAclArn: pulumi.Input<string>,
): PolicyStatement[] {
  const loadBalancer = elb(args.scope, "loadbalancer/app/*/*");
  return [
    {
      Sid: "WebAcl",
      Effect: "Allow",
      Action: [
        "wafv2:GetWebACL",
        "wafv2:GetWebACLForResource",
        "wafv2:AssociateWebACL",
        "wafv2:DisassociateWebACL",
      ],
      Resource: [webAclArn, loadBalancer],
    },
    {
      Sid: "SetWebAcl",
      Effect: "Allow",
      Action: "elasticloadbalancing:SetWebAcl",
      Resource: loadBalancer,
      Condition: isOurs(args),
    },
  ];
}

function signIn(userPoolArn: pulumi.Input<string>): PolicyStatement[] {
  return [
    {
      Sid: "SignIn",
      Effect: "Allow",
      Action: "cognito-idp:DescribeUserPoolClient",
      Resource: userPoolArn,
    },
  ];
}

type ElbArn = pulumi.Output<string>;

function elb({ partition, region, accountId }: Scope, kind: string): ElbArn {
  return pulumi.interpolate`arn:${partition}:elasticloadbalancing:${region}:${accountId}:${kind}`;
}

function isOurs({ clusterName }: LoadBalancerControllerPolicyArgs) {
  return { StringEquals: { [`aws:ResourceTag/${CLUSTER_TAG}`]: clusterName } };
}

function becomesOurs({ clusterName }: LoadBalancerControllerPolicyArgs) {
  return { StringEquals: { [`aws:RequestTag/${CLUSTER_TAG}`]: clusterName } };
}

/** Ours, and the request does not touch the tag that says so. */
function isOursAndStays(args: LoadBalancerControllerPolicyArgs) {
  return { ...isOurs(args), Null: { [`aws:RequestTag/${CLUSTER_TAG}`]: "true" } };
}
