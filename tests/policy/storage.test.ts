import { ruleSuite } from "./ruleSuite";
import { type Circumstances, document, type Subject, subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const bucket = (props: Props = {}, more: Circumstances = {}) =>
  subject("aws:s3/bucket:Bucket", props, more);
/** A resource that configures a bucket. */
const configuring = (kind: string, props: Props, of: Subject = bucket()) =>
  subject(`aws:s3/${kind[0]!.toLowerCase()}${kind.slice(1)}:${kind}`, props, {
    from: { bucket: of },
  });

const all = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
};
const block = (props: Props, of?: Subject) => configuring("BucketPublicAccessBlock", props, of);

ruleSuite("bucket-private", {
  passes: { "a bucket that is closed in all four ways": { of: bucket(), among: [block(all)] } },
  fails: {
    "a bucket without a block": { of: bucket(), says: [/no public access block/] },
    "a bucket beside one that has a block": {
      of: bucket({}, { name: "other" }),
      among: [block(all)],
      says: [/no public access block/],
    },
    "public ACLs": {
      of: bucket(),
      among: [block({ ...all, blockPublicAcls: false, ignorePublicAcls: undefined })],
      says: [/blockPublicAcls is not true/, /ignorePublicAcls is not true/],
    },
    "public policies": {
      of: bucket(),
      among: [block({ ...all, blockPublicPolicy: false, restrictPublicBuckets: false })],
      says: [/blockPublicPolicy is not true/, /restrictPublicBuckets is not true/],
    },
  },
  unknown: {
    "a block with a setting that is not known": {
      of: bucket(),
      among: [block({ ...all, restrictPublicBuckets: unknown })],
    },
    "a block whose bucket's name is not known: it was computed from this bucket": {
      of: bucket(),
      among: [block({ ...all, bucket: "<output of it.bucket>" })],
      comesOut: "passes",
    },
  },
});

const encryption = (sseAlgorithm?: string) =>
  configuring("BucketServerSideEncryptionConfiguration", {
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm } }],
  });

ruleSuite("bucket-encrypted", {
  passes: {
    "S3's own keys": { of: bucket(), among: [encryption("AES256")] },
    "a key of ours": { of: bucket(), among: [encryption("aws:kms")] },
    "the configuration under its older name": {
      of: subject("aws:s3/bucketV2:BucketV2"),
      among: [
        configuring(
          "BucketServerSideEncryptionConfigurationV2",
          { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms:dsse" } }] },
          subject("aws:s3/bucketV2:BucketV2"),
        ),
      ],
    },
  },
  fails: {
    "a bucket without a configuration": { of: bucket(), says: [/no encryption configuration/] },
    "a configuration without rules": {
      of: bucket(),
      among: [configuring("BucketServerSideEncryptionConfiguration", { rules: [] })],
      says: [/no encryption configuration/],
    },
    "a rule without an algorithm": {
      of: bucket(),
      among: [encryption()],
      says: [/the encryption's algorithm is none/],
    },
    "an algorithm that does not exist": {
      of: bucket(),
      among: [encryption("aes256")],
      says: [/the encryption's algorithm is aes256/],
    },
  },
  unknown: {
    "an algorithm that is not known": { of: bucket(), among: [encryption(unknown)] },
    "rules that are not known": {
      of: bucket(),
      among: [configuring("BucketServerSideEncryptionConfiguration", { rules: unknown })],
    },
  },
});

const arn = "arn:aws:s3:::models";
const tls = {
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: [arn, `${arn}/*`],
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};
const policy = (...statements: readonly Props[]) =>
  configuring("BucketPolicy", { policy: document(...statements) });
const plain = [/takes plain HTTP/];

ruleSuite("bucket-tls-only", {
  passes: {
    "a policy that denies plain HTTP to the bucket and its objects": {
      of: bucket(),
      among: [policy(tls)],
    },
    "the same, for all actions and resources": {
      of: bucket(),
      among: [policy({ ...tls, Principal: { AWS: "*" }, Action: "*", Resource: "*" })],
    },
  },
  fails: {
    "a bucket without a policy": { of: bucket(), says: plain },
    "a policy that lets somebody in, and no more": {
      of: bucket(),
      among: [policy({ ...tls, Effect: "Allow" })],
      says: plain,
    },
    "a policy for one action": {
      of: bucket(),
      among: [policy({ ...tls, Action: "s3:PutObject" })],
      says: plain,
    },
    "a policy for all but one action": {
      of: bucket(),
      among: [policy({ ...tls, Action: undefined, NotAction: "s3:*" })],
      says: plain,
    },
    "a policy for the bucket without its objects": {
      of: bucket(),
      among: [policy({ ...tls, Resource: arn })],
      says: plain,
    },
    "a policy for some objects": {
      of: bucket(),
      among: [policy({ ...tls, Resource: [arn, `${arn}/results/*`] })],
      says: plain,
    },
  },
  unknown: {
    "a policy that is not known": {
      of: bucket(),
      among: [configuring("BucketPolicy", { policy: unknown })],
    },
    "a policy in which only the bucket's ARN is not known": {
      of: bucket(),
      among: [policy({ ...tls, Resource: ["<output of it.arn>", "<output of it.arn>/*"] })],
      comesOut: "passes",
    },
  },
});

const versioning = (status: unknown) =>
  configuring("BucketVersioning", { versioningConfiguration: { status } });

ruleSuite("bucket-versioned", {
  passes: { "a bucket that keeps versions": { of: bucket(), among: [versioning("Enabled")] } },
  fails: {
    "a bucket without versioning": { of: bucket(), says: [/versioning is not configured/] },
    "versioning that is suspended": {
      of: bucket(),
      among: [versioning("Suspended")],
      says: [/versioning is Suspended/],
    },
  },
  unknown: { "a status that is not known": { of: bucket(), among: [versioning(unknown)] } },
});

const key = (props: Props = {}, more: Circumstances = {}) =>
  subject("aws:kms/key:Key", props, more);

ruleSuite("kms-key-rotation", {
  passes: {
    "a key that is rotated": { of: key({ enableKeyRotation: true }) },
    "an asymmetric key, which cannot be": { of: key({ customerMasterKeySpec: "RSA_2048" }) },
  },
  fails: {
    "a key by default": { of: key(), says: [/enableKeyRotation is not true/] },
    "a symmetric key that says so": {
      of: key({ customerMasterKeySpec: "SYMMETRIC_DEFAULT", enableKeyRotation: false }),
      says: [/enableKeyRotation is not true/],
    },
  },
  unknown: {
    "a rotation that is not known": { of: key({ enableKeyRotation: unknown }) },
    "a kind of key that is not known": { of: key({ customerMasterKeySpec: unknown }) },
  },
});

ruleSuite("kms-key-deletion-window", {
  passes: {
    "30 days, KMS's default": { of: key() },
    "14 days": { of: key({ deletionWindowInDays: 14 }) },
    "7 days where they are enough": {
      of: key({ deletionWindowInDays: 7 }),
      config: { minimumDays: 7 },
    },
  },
  fails: {
    "7 days": {
      of: key({ deletionWindowInDays: 7 }),
      says: [/deletionWindowInDays is 7, less than 14/],
    },
    "14 days where 30 are wanted": {
      of: key({ deletionWindowInDays: 14 }),
      config: { minimumDays: 30 },
      says: [/deletionWindowInDays is 14, less than 30/],
    },
  },
  unknown: { "a window that is not known": { of: key({ deletionWindowInDays: unknown }) } },
});

const launchTemplate = (props: Props) => subject("aws:ec2/launchTemplate:LaunchTemplate", props);
const instance = (props: Props) => subject("aws:ec2/instance:Instance", props);
const nodeClass = (spec: Props) =>
  subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", { spec });
const volume = (encrypted: unknown) => [{ deviceName: "/dev/xvda", ebs: { encrypted } }];

ruleSuite("volumes-encrypted", {
  passes: {
    "a launch template's, whose booleans are texts": {
      of: launchTemplate({ blockDeviceMappings: volume("true") }),
    },
    "a node class's": { of: nodeClass({ blockDeviceMappings: volume(true) }) },
    "a machine's, all of them": {
      of: instance({
        rootBlockDevice: { encrypted: true },
        ebsBlockDevices: [{ deviceName: "/dev/sdb", encrypted: true }],
      }),
    },
    "a volume": { of: subject("aws:ebs/volume:Volume", { encrypted: true }) },
    "a file system": { of: subject("aws:efs/fileSystem:FileSystem", { encrypted: true }) },
    "a disk of the machine itself, beside": {
      of: launchTemplate({
        blockDeviceMappings: [...volume("true"), { virtualName: "ephemeral0" }],
      }),
    },
  },
  fails: {
    "a launch template's": {
      of: launchTemplate({ blockDeviceMappings: volume("false") }),
      says: [/the volume \/dev\/xvda is not encrypted/],
    },
    "a launch template's that leaves it to the image": {
      of: launchTemplate({}),
      says: [/does not name its root volume/],
    },
    "a node class's": {
      of: nodeClass({ blockDeviceMappings: [...volume(true), ...volume(undefined)] }),
      says: [/the volume \/dev\/xvda is not encrypted/],
    },
    "a node class's that leaves it to the image": {
      of: nodeClass({}),
      says: [/does not name its root volume/],
    },
    "a machine's root": {
      of: instance({ rootBlockDevice: { volumeSize: 8 } }),
      says: [/the volume of the machine is not encrypted/],
    },
    "a machine's second": {
      of: instance({
        rootBlockDevice: { encrypted: true },
        ebsBlockDevices: [{ deviceName: "/dev/sdb" }],
      }),
      says: [/the volume \/dev\/sdb is not encrypted/],
    },
    "a machine's root that is left to the image": {
      of: instance({ ebsBlockDevices: [{ deviceName: "/dev/sdb", encrypted: true }] }),
      says: [/does not name its root volume/],
    },
    "a volume": { of: subject("aws:ebs/volume:Volume"), says: [/encrypted is not true/] },
    "a file system": {
      of: subject("aws:efs/fileSystem:FileSystem", { encrypted: false }),
      says: [/encrypted is not true/],
    },
  },
  unknown: {
    "a volume of which it is not known": {
      of: subject("aws:ebs/volume:Volume", { encrypted: unknown }),
    },
    "volumes that are not known": { of: launchTemplate({ blockDeviceMappings: unknown }) },
    "a machine's root of which it is not known": {
      of: instance({ rootBlockDevice: { encrypted: unknown } }),
    },
    "a node class's of which it is not known": {
      of: nodeClass({ blockDeviceMappings: volume(unknown) }),
    },
    "a key that is not known, of a volume that is encrypted": {
      of: subject("aws:ebs/volume:Volume", { encrypted: true, kmsKeyId: unknown }),
      comesOut: "passes",
    },
  },
});

const table = (props: Props) => subject("aws:dynamodb/table:Table", props);
const enabled = { pointInTimeRecovery: { enabled: true }, serverSideEncryption: { enabled: true } };

ruleSuite("tables-recoverable", {
  passes: { "a table with both": { of: table(enabled) } },
  fails: {
    "a table by default": {
      of: table({}),
      says: [/pointInTimeRecovery\.enabled is not/, /serverSideEncryption\.enabled is not/],
    },
    "a table that cannot be put back": {
      of: table({ ...enabled, pointInTimeRecovery: { enabled: false } }),
      says: [/pointInTimeRecovery\.enabled is not true/],
    },
    "a table under DynamoDB's own key": {
      of: table({ ...enabled, serverSideEncryption: { enabled: false } }),
      says: [/serverSideEncryption\.enabled is not true/],
    },
  },
  unknown: {
    "a recovery that is not known": { of: table({ ...enabled, pointInTimeRecovery: unknown }) },
    "an encryption that is not known": {
      of: table({ ...enabled, serverSideEncryption: { enabled: unknown } }),
    },
  },
});

const prod = { stack: "prod" } as const;
const unprotected = [/holds data and is not protected/];

ruleSuite("data-protected-in-production", {
  passes: {
    "a bucket that is protected": { of: bucket({}, { ...prod, protect: true }) },
    "a bucket of a stack that is not production": { of: bucket() },
    "a bucket of `prod` where that is not production": {
      of: bucket({}, prod),
      config: { otherStacks: ["prod"] },
    },
    "a key that encrypts nothing that is kept": {
      of: key({}, prod),
      among: [subject("aws:sns/topic:Topic", {}, { from: { kmsMasterKeyId: key({}, prod) } })],
    },
  },
  fails: {
    "a bucket": { of: bucket({}, prod), says: unprotected },
    "a table": { of: subject("aws:dynamodb/table:Table", {}, prod), says: unprotected },
    "a repository": { of: subject("aws:ecr/repository:Repository", {}, prod), says: unprotected },
    "a file system": { of: subject("aws:efs/fileSystem:FileSystem", {}, prod), says: unprotected },
    "a volume": { of: subject("aws:ebs/volume:Volume", {}, prod), says: unprotected },
    "a cluster's key": {
      of: key({}, prod),
      among: [
        subject("eks:index:Cluster", {}, { from: { encryptionConfigKeyArn: key({}, prod) } }),
      ],
      says: unprotected,
    },
    "a bucket's key": {
      of: key({}, prod),
      among: [
        subject(
          "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
          {},
          { from: { rules: key({}, prod) } },
        ),
      ],
      says: unprotected,
    },
    "the key of an endpoint's answers": {
      of: key({}, prod),
      among: [
        subject(
          "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
          {},
          { from: { asyncInferenceConfig: key({}, prod) } },
        ),
      ],
      says: unprotected,
    },
    "a bucket of a stack that the config calls production": {
      of: bucket(),
      config: { otherStacks: [] },
      says: unprotected,
    },
  },
  unknown: {
    "a bucket that is protected, whatever is not known of it": {
      of: bucket({ bucket: unknown }, { ...prod, protect: true }),
      comesOut: "passes",
    },
    "a bucket that is not, whatever is not known of it": {
      of: bucket({ bucket: unknown }, prod),
      comesOut: "refused",
    },
  },
});

ruleSuite("no-forced-deletion-in-production", {
  passes: {
    "a bucket that has to be emptied first": { of: bucket({ forceDestroy: false }, prod) },
    "a bucket by default": { of: bucket({}, prod) },
    "a bucket of a stack that is not production": { of: bucket({ forceDestroy: true }) },
  },
  fails: {
    "a bucket": { of: bucket({ forceDestroy: true }, prod), says: [/forceDestroy is true/] },
    "a bucket, as a text": {
      of: bucket({ forceDestroy: "true" }, prod),
      says: [/forceDestroy is true/],
    },
    "a repository": {
      of: subject("aws:ecr/repository:Repository", { forceDelete: true }, prod),
      says: [/forceDelete is true/],
    },
  },
  unknown: {
    "a bucket of which it is not known": { of: bucket({ forceDestroy: unknown }, prod) },
    "a repository of which it is not known": {
      of: subject("aws:ecr/repository:Repository", { forceDelete: unknown }, prod),
    },
  },
});
