// Names of workers. TypeScript can check the scripts with the types of documents or with those of workers, not with both; the types of
// documents lack these names.

declare class WorkerGlobalScope extends EventTarget {}
declare class DedicatedWorkerGlobalScope extends WorkerGlobalScope {}
declare class SharedWorkerGlobalScope extends WorkerGlobalScope {}

declare var ServiceWorkerGlobalScope: { prototype: WorkerGlobalScope } | undefined;
declare var Client: { prototype: object } | undefined;

interface FetchEvent extends Event {
  readonly request: Request;
}
