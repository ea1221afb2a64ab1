/** Where a build pushes, and under which tag: variables of the build's environment. */
export const buildVariables = {
  tag: "IMAGE_TAG",
  repositoryName: "REPOSITORY_NAME",
  repositoryUrl: "REPOSITORY_URL",
  dockerfile: "DOCKERFILE",
} as const;

/** Tags of layers that were kept for later builds begin with it; the rest is the image's tag. */
export const CACHE_TAG_PREFIX = "cache-";

/** Of 2026-03-25, for the buildx 0.32 of CodeBuild's image. */
const BUILDKIT = "moby/buildkit:v0.28.1";

/** The youngest of the kept layers, or null; in JMESPath. */
export const youngestCache =
  `max_by(imageDetails[?imageTags[?starts_with(@, '${CACHE_TAG_PREFIX}')]], &imagePushedAt)` +
  `.imageTags[?starts_with(@, '${CACHE_TAG_PREFIX}')] | [0]`;

/**
 * What CodeBuild does with a folder's sources: builds the image, with the layers of the build before
 * it where they have not changed, and pushes image and layers.
 *
 * Every stage's layers are kept (`mode=max`), for what takes long is installed in the first one. A
 * repository with immutable tags wants a new tag for them each time. Only a manifest of an image's
 * kind can be pushed to ECR (AWS, "Announcing remote cache support in Amazon ECR for BuildKit
 * clients"), and only BuildKit in a container of its own writes such a cache.
 */
export const buildspec = {
  version: "0.2",
  env: { shell: "bash" },
  phases: {
    pre_build: {
      "on-failure": "ABORT",
      commands: [
        `aws ecr get-login-password | docker login --username AWS --password-stdin "\${REPOSITORY_URL%%/*}"`,
        `docker buildx create --use --bootstrap --driver docker-container --driver-opt image=${BUILDKIT}`,
        // As JSON: as text, the CLI would put the query to each page by itself.
        `CACHE=$(aws ecr describe-images --repository-name "$REPOSITORY_NAME" --filter tagStatus=TAGGED --query "${youngestCache}" --output json | tr -d '"')
if [ -n "$CACHE" ] && [ "$CACHE" != null ]; then export CACHE_FROM="type=registry,ref=$REPOSITORY_URL:$CACHE"; fi`,
      ],
    },
    build: {
      "on-failure": "ABORT",
      commands: [
        [
          "docker buildx build",
          // Every machine that the fleet launches is x86-64.
          "--platform linux/amd64",
          // Attestations would make the tag a list of manifests.
          "--provenance=false",
          '--file "$DOCKERFILE"',
          '--tag "$REPOSITORY_URL:$IMAGE_TAG"',
          `\${CACHE_FROM:+--cache-from "$CACHE_FROM"}`,
          // An image is not lost because its layers cannot be kept.
          `--cache-to "type=registry,ref=$REPOSITORY_URL:${CACHE_TAG_PREFIX}$IMAGE_TAG,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"`,
          "--progress plain --push .",
        ].join(" "),
      ],
    },
  },
} as const;
