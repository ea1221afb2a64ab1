import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { type Manifest, manifests, ofType, planOf } from "./planned";

for (const stack of ["dev", "prod"])
  describe(`Everything that ${stack} runs is pinned`, () => {
    let plan: Plan;
    before(async () => {
      plan = await planOf(stack);
    });

    it("charts by version", () => {
      const releases = ofType(plan, "kubernetes:helm.sh/v3:Release");
      assert.equal(releases.length, 7);
      for (const { inputs } of releases) {
        assert.match(String(inputs.version), /^\d+\.\d+\.\d+$/);
        assert.match(String(inputs.repository), /^(https|oci):\/\//);
      }
    });

    it("CRDs by the version in their address", () => {
      for (const { type, inputs } of plan.document.resources)
        if (type.endsWith(":ConfigFile"))
          assert.match(String(inputs.file), /^https:\/\/.*\/v\d+\.\d+\.\d+\//);
    });

    it("images by a tag that is not latest, or by digest", () => {
      const images = manifests(plan, "Deployment").flatMap(({ spec }) =>
        spec.template.spec.containers.map(({ image }: Manifest) => image),
      );
      assert.ok(images.length >= 5);
      for (const image of images)
        assert.match(image, /(:(?!latest$)[\w][\w.-]*|@sha256:[0-9a-f]{64})$/);
    });

    it("machine images by a Bottlerocket release", () => {
      for (const { spec } of manifests(plan, "EC2NodeClass"))
        assert.match(spec.amiSelectorTerms[0].alias, /^bottlerocket@v\d+\.\d+\.\d+$/);
    });

    it("add-ons by version", () => {
      const addons = ofType(plan, "aws:eks/addon:Addon");
      assert.equal(addons.length, 5);
      for (const { inputs } of addons) assert.match(String(inputs.addonVersion), /-eksbuild\.\d+$/);
    });
  });
