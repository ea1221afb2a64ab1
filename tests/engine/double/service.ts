import {
  type handleUnaryCall,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { WireObject } from "../../../cli/plan/wire";
import { Component } from "./component";
import { configFile } from "./configFile";
import { eksCluster } from "./eksCluster";
import type { Comparison, PropertyChange, Provider } from "./provider";
import { vpc } from "./vpc";
import { fromStruct, toStruct } from "./wireStruct";

/** The engine warns of providers that are older than the SDKs that the program has of them. */
const NEWER_THAN_ANY_SDK = "1000.0.0";

/** Components that their providers build. */
const CONSTRUCTS: Readonly<Record<string, (component: Component) => Promise<WireObject>>> = {
  "awsx:ec2:Vpc": vpc,
  "eks:index:Cluster": eksCluster,
  "kubernetes:yaml/v2:ConfigFile": configFile,
};

/** Pulumi's provider protocol, message by message, over a provider of plain values. */
export function serviceOf(provider: Provider): UntypedServiceImplementation {
  return {
    attach: unary(() => new Empty()),
    cancel: unary(() => new Empty()),
    getPluginInfo: unary(() => new PluginInfo().setVersion(NEWER_THAN_ANY_SDK)),
    handshake: unary(() => new proto.ProviderHandshakeResponse().setAcceptSecrets(true)),

    checkConfig: unary((request: proto.CheckRequest) =>
      new proto.CheckResponse().setInputs(request.getNews()),
    ),
    diffConfig: unary((request: proto.DiffRequest) =>
      diffResponse(
        provider.compare(
          request.getUrn(),
          fromStruct(request.getOldInputs()),
          fromStruct(request.getNews()),
        ),
      ),
    ),
    configure: unary((request: proto.ConfigureRequest) => {
      provider.configure(fromStruct(request.getArgs()));
      return new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),

    check: unary((request: proto.CheckRequest) => {
      const inputs = provider.check(request.getUrn(), fromStruct(request.getNews()));
      return new proto.CheckResponse().setInputs(toStruct(inputs));
    }),
    diff: unary((request: proto.DiffRequest) =>
      diffResponse(
        provider.compare(
          request.getUrn(),
          fromStruct(request.getOldInputs()),
          fromStruct(request.getNews()),
        ),
      ),
    ),
    create: unary((request: proto.CreateRequest) => {
      const urn = request.getUrn();
      const inputs = fromStruct(request.getProperties());
      const { id, properties } = request.getPreview()
        ? { id: "", properties: provider.previewCreate(urn, inputs) }
        : provider.create(urn, inputs);
      return new proto.CreateResponse().setId(id).setProperties(toStruct(properties));
    }),
    update: unary((request: proto.UpdateRequest) => {
      const inputs = fromStruct(request.getNews());
      const properties = request.getPreview()
        ? provider.previewUpdate(request.getUrn(), request.getId(), inputs)
        : provider.update(request.getUrn(), request.getId(), inputs);
      return new proto.UpdateResponse().setProperties(toStruct(properties));
    }),
    delete: unary((request: proto.DeleteRequest) => {
      provider.delete(request.getUrn(), request.getId());
      return new Empty();
    }),
    read: unary((request: proto.ReadRequest) => {
      const found = provider.read(request.getUrn(), request.getId());
      if (found === undefined) return new proto.ReadResponse();
      return new proto.ReadResponse()
        .setId(request.getId())
        .setInputs(toStruct(found.inputs))
        .setProperties(toStruct(found.properties));
    }),

    invoke: unary((request: proto.InvokeRequest) =>
      new proto.InvokeResponse().setReturn(
        toStruct(provider.invoke(request.getTok(), fromStruct(request.getArgs()))),
      ),
    ),
    construct: unary(construct),
  };
}

async function construct(request: proto.ConstructRequest): Promise<proto.ConstructResponse> {
  const make = CONSTRUCTS[request.getType()];
  if (make === undefined)
    throw new Error(`${request.getType()} is not built by tests/engine/double/service.ts`);
  const component = new Component(request);
  const outputs = await component.build(make);
  const response = new proto.ConstructResponse().setUrn(component.urn).setState(toStruct(outputs));
  const urns = [component.urn, ...component.children.map(({ urn }) => urn)];
  for (const output of Object.keys(outputs))
    response
      .getStatedependenciesMap()
      .set(output, new proto.ConstructResponse.PropertyDependencies().setUrnsList(urns));
  return response;
}

function diffResponse({ changes, deleteBeforeReplace }: Comparison): proto.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = proto.DiffResponse.DiffChanges;
  const response = new proto.DiffResponse()
    .setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setDiffsList(inputsOf(changes))
    .setReplacesList(inputsOf(changes.filter((change) => change.replaces)))
    .setDeletebeforereplace(deleteBeforeReplace)
    .setHasdetaileddiff(true);
  for (const change of changes)
    response
      .getDetaileddiffMap()
      .set(change.path, new proto.PropertyDiff().setKind(diffKind(change)).setInputdiff(true));
  return response;
}

function diffKind({ kind, replaces }: PropertyChange): proto.PropertyDiff.Kind {
  const { Kind } = proto.PropertyDiff;
  switch (kind) {
    case "add":
      return replaces ? Kind.ADD_REPLACE : Kind.ADD;
    case "delete":
      return replaces ? Kind.DELETE_REPLACE : Kind.DELETE;
    case "update":
      return replaces ? Kind.UPDATE_REPLACE : Kind.UPDATE;
  }
}

function inputsOf(changes: readonly PropertyChange[]): string[] {
  return [...new Set(changes.map(({ path }) => path.split(/[.[]/)[0] as string))];
}

/** A method of the protocol; what it throws is the answer to the engine's call. */
function unary<Request, Response>(
  answer: (request: Request) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return async (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) => {
    try {
      done(null, await answer(call.request));
    } catch (error) {
      done({ code: status.UNKNOWN, details: (error as Error).message });
    }
  };
}
