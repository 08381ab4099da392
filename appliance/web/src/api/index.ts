import { get, patch, post, put, remove, send } from "./client";
import type * as wire from "./schema";

export * from "./errors";
export type * from "./schema";

export interface Window {
  limit?: number;
  offset?: number;
}

export interface DocumentQuery extends Window {
  collection?: string | null;
  status?: string | null;
  q?: string;
  tag?: string | null;
  sort?: string;
  order?: "asc" | "desc";
}

export const access = {
  logIn: (body: wire.LoginIn) => post<wire.LoginOut>("/api/login", body),
  logOut: () => post<undefined>("/api/logout"),
  me: () => get<wire.Me>("/api/me"),
  changeMe: (body: wire.MePatch) => patch<wire.User>("/api/me", body),
  setPassword: (body: wire.PasswordIn) => post<undefined>("/api/me/password", body),
  directory: (signal?: AbortSignal) => get<wire.Directory>("/api/directory", {}, signal),
};

export const documents = {
  list: (query: DocumentQuery, signal?: AbortSignal) => get<wire.DocumentPage>("/api/rag/documents", { ...query }, signal),
  get: (id: string, signal?: AbortSignal) => get<wire.Document>(`/api/rag/documents/${id}`, {}, signal),
  change: (id: string, body: wire.DocumentPatch) => patch<wire.Document>(`/api/rag/documents/${id}`, body),
  retry: (id: string, password?: string) => post<wire.Document>(`/api/rag/documents/${id}/retry`, password === undefined ? {} : { password }),
  cancel: (id: string) => post<wire.Document>(`/api/rag/documents/${id}/cancel`),
  remove: (id: string, keepalive = false) => remove(`/api/rag/documents/${id}`, { keepalive }),
  text: (id: string, window: Window, signal?: AbortSignal) => get<wire.DocumentText>(`/api/rag/documents/${id}/text`, { ...window }, signal),
  passage: (id: string, chunk: string, signal?: AbortSignal) =>
    get<wire.PassageContext>(`/api/rag/documents/${id}/passages/${chunk}`, {}, signal),
  contentAddress: (id: string) => `/api/rag/documents/${id}/content`,
  page: async (id: string, number: number, mark: PageMark | null, signal?: AbortSignal) => {
    const query = mark ? { chunk: mark.chunk, start: mark.start, end: mark.end } : {};
    const response = await send("GET", `/api/rag/documents/${id}/pages/${number}`, { query, signal });
    const top = response.headers.get("x-mark-top");
    return { picture: await response.blob(), markTop: top === null ? null : Number(top) };
  },
};

export interface PageMark {
  chunk: string;
  start?: number;
  end?: number;
}

export const collections = {
  list: (window: Window = {}, signal?: AbortSignal) => get<wire.Page<wire.Collection>>("/api/collections", { ...window }, signal),
  add: (body: wire.CollectionIn) => post<wire.Collection>("/api/collections", body),
  change: (id: string, body: wire.CollectionPatch) => patch<wire.Collection>(`/api/collections/${id}`, body),
  share: (id: string, body: wire.PermissionsIn) => put<wire.Collection>(`/api/collections/${id}/permissions`, body),
  remove: (id: string) => remove(`/api/collections/${id}`),
};

export const questions = {
  search: (body: wire.SearchIn, signal?: AbortSignal) => post<wire.SearchOut>("/api/rag/search", body, signal),
  stop: (run: string) => post<unknown>(`/api/runs/${run}/stop`),
  evaluations: (query: { kind: wire.EvaluationIn["kind"] } & Window, signal?: AbortSignal) => get<wire.Page<wire.Evaluation>>("/api/evaluations", { ...query }, signal),
};

export const users = {
  list: (query: Window & { q?: string }, signal?: AbortSignal) => get<wire.Page<wire.User>>("/api/users", { ...query }, signal),
  add: (body: wire.UserIn) => post<wire.LoginLink>("/api/users", body),
  change: (id: string, body: wire.UserPatch) => patch<wire.User>(`/api/users/${id}`, body),
  reset: (id: string) => post<wire.LoginLink>(`/api/users/${id}/reset`),
};

export const groups = {
  list: (window: Window, signal?: AbortSignal) => get<wire.Page<wire.Group>>("/api/groups", { ...window }, signal),
  add: (body: wire.GroupIn) => post<wire.Group>("/api/groups", body),
  change: (id: string, body: wire.GroupPatch) => patch<wire.Group>(`/api/groups/${id}`, body),
  remove: (id: string) => remove(`/api/groups/${id}`),
};

export const keys = {
  list: (query: Window & { all?: boolean }, signal?: AbortSignal) => get<wire.Page<wire.ApiKey>>("/api/keys", { ...query }, signal),
  add: (body: wire.KeyIn) => post<wire.NewApiKey>("/api/keys", body),
  revoke: (id: string) => remove(`/api/keys/${id}`),
};

export const sessions = {
  list: (query: Window & { all?: boolean }, signal?: AbortSignal) => get<wire.Page<wire.SessionOut>>("/api/sessions", { ...query }, signal),
  end: (id: string) => remove(`/api/sessions/${id}`),
};

export interface AuditQuery extends Window {
  actor_id?: string;
  action?: string;
  object_kind?: string;
  object_id?: string;
  from?: string;
  to?: string;
}

export const audit = {
  list: (query: AuditQuery, signal?: AbortSignal) => get<wire.Page<wire.AuditEntry>>("/api/audit", { ...query }, signal),
  verify: () => get<wire.AuditVerdict>("/api/audit/verify"),
  exportAddress: "/api/audit/export",
};

export const operations = {
  status: (signal?: AbortSignal) => get<Record<string, wire.EngineHealth>>("/status", {}, signal),
  jobs: (query: Window & { status?: string; kind?: string }, signal?: AbortSignal) =>
    get<wire.Page<wire.JobOut>>("/api/jobs", { ...query }, signal),
  retryJob: (id: string) => post<wire.JobOut>(`/api/jobs/${id}/retry`),
  cancelJob: (id: string) => post<wire.JobOut>(`/api/jobs/${id}/cancel`),
  egress: (query: Window & { verdict?: string }, signal?: AbortSignal) => get<wire.EgressPage>("/api/egress", { ...query }, signal),
  doctor: (signal?: AbortSignal) => get<wire.DoctorReport>("/api/doctor", {}, signal),
  fsck: (repair: boolean) => post<wire.FsckReport>(`/api/fsck?repair=${repair}`),
};

export const models = {
  list: (signal?: AbortSignal) => get<wire.ModelList>("/api/models", {}, signal),
  show: (name: string, signal?: AbortSignal) => get<wire.ModelShown>("/api/models/show", { name }, signal),
  load: (body: wire.LoadRequest) => post<wire.ModelShown>("/api/models/load", body),
  unload: (model: string) => post<wire.ModelShown>("/api/models/unload", { model }),
  remove: (name: string) => remove(`/api/models/${encodeURIComponent(name)}`),
  tasks: (signal?: AbortSignal) => get<wire.Page<wire.ModelTask>>("/api/models/tasks", {}, signal),
  memory: (signal?: AbortSignal) => get<wire.MemoryView>("/api/models/memory", {}, signal),
  roles: (signal?: AbortSignal) => get<wire.RolesOut>("/api/models/roles", {}, signal),
  changeRoles: (body: wire.RolesIn) => put<wire.RolesOut>("/api/models/roles", body),
  manifest: (signal?: AbortSignal) => get<wire.ManifestOut>("/api/models/manifest", {}, signal),
  verify: () => post<wire.ManifestOut>("/api/models/verify"),
};
