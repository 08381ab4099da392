/* The wire, as the appliance's OpenAPI document describes it. Written by `just types`; do not edit. */

export type UUID = string;
export type DateTime = string;

export interface Page<Item> {
  items: Item[];
  total: number;
  limit: number;
  offset: number;
}

export type DecidedBy = "model" | "classifier" | "sticky" | "chosen";
export type DocumentStatus = "uploaded" | "queued" | "parsing" | "embedding" | "indexed" | "failed" | "deleting";
export type JobStatus = "queued" | "running" | "done" | "dead" | "cancelled";
export type Language = "en" | "fr";
export type MessageMode = "llm" | "extractive" | "rule" | "person";
export type MessageStatus = "writing" | "done" | "stopped" | "failed" | "interrupted";
export type Mode = "llm" | "extractive";
export type Rating = "up" | "down";
export type Right = "owner" | "editor" | "reader" | "manage";
export type Role = "admin" | "member";
export type ScopeName = "knowledge" | "models" | "chat" | "bi" | "speech" | "calls" | "inbox" | "leads" | "metrics" | "admin" | "all";
export type Severity = "ok" | "warning" | "failure";
export type Theme = "system" | "light" | "dark";
export type Verdict = "allowed" | "refused";

export interface AgentFigures {
  name: string;
  messages: number;
  first_token_p50: number | null;
  first_token_p95: number | null;
  latency_p50: number | null;
  latency_p95: number | null;
  prompt_tokens: number;
  completion_tokens: number;
  confidence: number | null;
  fallbacks: number;
  extractive: number;
  failures: number;
  escalations: number;
  up: number;
  down: number;
}

export interface Analytics {
  since: string;
  until: string;
  total: AgentFigures;
  agents: AgentFigures[];
  models: AgentFigures[];
  days: AgentFigures[];
}

export interface Answer {
  answer: string;
  sources: Source[];
  model: string | null;
  tokens: number;
  usage: Usage;
  mode: Mode;
  grounded: GroundedSentence[];
  nothing_found: boolean;
  language: string;
  run_id: UUID;
  conversation_id: string | null;
  stopped: boolean;
  notice: string | null;
  partial: string | null;
  milliseconds: number;
}

export interface ApiKey {
  id: UUID;
  prefix: string;
  name: string;
  user_id: UUID;
  username: string;
  scopes: string[];
  created_at: DateTime;
  expires_at: DateTime | null;
  last_used_at: DateTime | null;
  revoked: boolean;
}

export interface Assistant {
  name: string;
  title: string;
  picture: string | null;
  language: "fr" | "en" | "auto";
  routing_description: string;
  examples: string[];
  is_enabled: boolean;
  persona: string | null;
  model: string | null;
  fallbacks: string[] | null;
  temperature: number | null;
  knowledge_owners: string[] | null;
  tags: string[] | null;
  retrieval: Retrieval | null;
  tools: string[] | null;
  created_at: DateTime | null;
  updated_at: DateTime | null;
}

export interface AssistantIn {
  name: string;
  title: string;
  persona?: string;
  language?: "fr" | "en" | "auto";
  routing_description?: string;
  examples?: string[];
  model?: string;
  fallbacks?: string[];
  temperature?: number;
  knowledge_owners?: string[] | null;
  tags?: string[];
  retrieval?: Retrieval;
  tools?: string[];
  is_enabled?: boolean;
}

export interface AssistantPatch {
  title?: string;
  persona?: string;
  language?: "fr" | "en" | "auto";
  routing_description?: string;
  examples?: string[];
  model?: string;
  fallbacks?: string[];
  temperature?: number;
  knowledge_owners?: string[];
  tags?: string[];
  retrieval?: Retrieval;
  tools?: string[];
  is_enabled?: boolean;
}

export interface AttachIn {
  file_id: UUID;
}

export interface Attachment {
  file_id: UUID;
  filename: string;
  status: string;
}

export interface AuditEntry {
  sequence: number;
  at: DateTime;
  actor_id: UUID | null;
  actor: string;
  action: string;
  object_kind: string;
  object_id: string;
  outcome: string;
  peer: string;
  details: Record<string, unknown>;
  previous_hash: string;
  hash: string;
}

export interface AuditVerdict {
  ok: boolean;
  entries: number;
  broken_at: number | null;
  reason: string | null;
}

export interface BranchIn {
  message: string;
  assistant?: string | null;
  model?: string | null;
  stream?: boolean;
}

export interface ChatIn {
  question: string;
  model?: string | null;
  max_tokens?: number | null;
  collection?: UUID | null;
  conversation_id?: string | null;
  stream?: boolean;
  filters?: SearchFilters | null;
}

export interface Collection {
  id: UUID;
  name: string;
  owner_id: UUID;
  owner: string;
  private: boolean;
  language: string | null;
  chunk_characters: number;
  chunk_overlap: number;
  documents: number;
  chunks: number;
  right: Right;
  readers: Grantee[];
  editors: Grantee[];
  created_at: DateTime;
}

export interface CollectionIn {
  name: string;
  language?: string | null;
  chunk_characters?: number;
  chunk_overlap?: number;
}

export interface CollectionPatch {
  name?: string;
  language?: string | null;
  chunk_characters?: number;
  chunk_overlap?: number;
}

export interface Conversation {
  id: UUID;
  conversation_id: string;
  title: string;
  folder: string | null;
  archived: boolean;
  assistant: string | null;
  messages: number;
  head: UUID | null;
  right: "owner" | "reader";
  owner: string;
  running: UUID | null;
  created_at: DateTime;
  updated_at: DateTime;
  excerpt: string | null;
  readers: SharedWith[];
  attachments: Attachment[];
}

export interface ConversationIn {
  conversation_id?: string | null;
  title?: string | null;
  folder?: string | null;
  assistant?: string | null;
}

export interface ConversationMessage {
  id: UUID;
  parent_id: UUID | null;
  role: "user" | "assistant";
  content: string;
  status: MessageStatus;
  created_at: DateTime;
  versions: UUID[];
  agent: string | null;
  confidence: number | null;
  reasoning: string | null;
  decided_by: DecidedBy | null;
  model: string | null;
  mode: MessageMode | null;
  sources: Source[];
  grounded: GroundedSentence[];
  usage: Usage | null;
  run_id: UUID | null;
  notice: string | null;
  partial: string | null;
  nothing_found: boolean;
  language: string | null;
  milliseconds: number | null;
  first_token_ms: number | null;
  error: Problem | null;
  feedback: Feedback | null;
  escalation_id: UUID | null;
  answered_by: string | null;
  hidden: boolean;
}

export interface ConversationPatch {
  title?: string;
  folder?: string | null;
  archived?: boolean;
  assistant?: string | null;
  head?: UUID;
}

export interface Directory {
  users: Person[];
  groups: GroupName[];
}

export interface DiscrepancyOut {
  invariant: string;
  promise: string;
  kind: string;
  subject: string;
  repaired: boolean;
}

export interface DoctorReport {
  ok: boolean;
  findings: FindingOut[];
}

export interface Document {
  file_id: UUID;
  filename: string;
  size: number;
  pages: number | null;
  chunks: number;
  status: DocumentStatus;
  error: Problem | null;
  tags: string[];
  agent_owner: string | null;
  uploaded_at: DateTime;
  collection: UUID;
  collection_name: string;
  media_type: string | null;
  title: string | null;
  language: string | null;
  unread_pages: number;
  uploaded_by: string;
  indexed_at: DateTime | null;
  searchable: boolean;
  progress: Progress;
  right: Right;
}

export interface DocumentPage {
  documents: Document[];
  total: number;
  limit: number;
  offset: number;
}

export interface DocumentPatch {
  tags?: string[];
  agent_owner?: string | null;
}

export interface DocumentText {
  file_id: UUID;
  sections: TextSection[];
  total: number;
  offset: number;
}

export interface EgressEntry {
  id: UUID;
  at: DateTime;
  verdict: Verdict;
  host: string;
  port: number | null;
  purpose: string;
}

export interface EgressPage {
  items: EgressEntry[];
  total: number;
  limit: number;
  offset: number;
  refused: number;
  quiet_since: DateTime;
  watching: boolean;
}

export interface EngineHealth {
  kind: string;
  ok: boolean;
  detail: string;
  latency_ms: number | null;
}

export interface Escalation {
  id: UUID;
  conversation: UUID;
  title: string;
  person: string;
  status: "open" | "answered" | "closed";
  reason: string;
  created_at: DateTime;
  answered_at: DateTime | null;
  answered_by: string | null;
  messages: Excerpt[];
}

export interface EscalationAnswerIn {
  message: string;
}

export interface Evaluation {
  id: UUID;
  kind: string;
  name: string;
  questions: number;
  measures: Record<string, unknown>;
  configuration: Record<string, unknown>;
  seconds: number;
  run_at: DateTime;
}

export interface EvaluationIn {
  kind: "retrieval" | "routing";
  name: string;
  questions: number;
  measures: Record<string, number>;
  seconds: number;
}

export interface Excerpt {
  role: "user" | "assistant";
  content: string;
  created_at: DateTime;
}

export interface Feedback {
  rating: Rating;
  reason: string | null;
}

export interface FeedbackIn {
  rating: Rating | null;
  reason?: string | null;
}

export interface FindingOut {
  id: string;
  severity: Severity;
  evidence: string;
  fix: string;
}

export interface FolderOut {
  name: string;
  conversations: number;
}

export interface FolderPatch {
  name: string;
  to: string | null;
}

export interface FsckReport {
  ok: boolean;
  invariants: number;
  discrepancies: DiscrepancyOut[];
  seconds: number;
}

export interface GenerateIn {
  prompt: string;
  model?: string | null;
  stream?: boolean;
  max_tokens?: number | null;
  format?: Record<string, unknown> | null;
}

export interface Generated {
  response: string;
  model: string;
  tokens: number;
  duration_ms: number;
  stopped: boolean;
}

export interface Grantee {
  user?: UUID | null;
  group?: UUID | null;
}

export interface GroundedSentence {
  start: number;
  end: number;
  supported: boolean;
  sources: number[];
}

export interface Group {
  id: UUID;
  name: string;
  members: UUID[];
  created_at: DateTime;
}

export interface GroupIn {
  name: string;
  members?: UUID[];
}

export interface GroupName {
  id: UUID;
  name: string;
}

export interface GroupPatch {
  name?: string;
  members?: UUID[];
}

export interface HealthOut {
  status: string;
  version: string;
}

export interface IndexIn {
  file_id: UUID;
}

export interface Indexed {
  file_id: UUID;
  chunks: number;
  embeddings: number;
  status: DocumentStatus;
}

export interface Installed {
  assistants: string[];
  documents: string[];
  collection: string;
}

export interface JobOut {
  id: UUID;
  kind: string;
  status: JobStatus;
  progress: number;
  attempts: number;
  problem: Problem | null;
  created_at: DateTime;
  started_at: DateTime | null;
  finished_at: DateTime | null;
  owner_id: UUID | null;
  subject: string | null;
}

export interface Judged {
  shipped: string;
  shipped_confidence: number;
  learnt: string;
  learnt_confidence: number;
}

export interface KeyIn {
  name: string;
  scopes: ScopeName[];
  expires_days?: number | null;
}

export interface KeyPatch {
  name: string;
}

export interface LabelledMessage {
  text: string;
  label: string;
  current?: string | null;
}

export interface LoadRequest {
  model: string;
  keep_alive?: string | null;
  context_length?: number | null;
}

export interface LoadedModel {
  name: string;
  also: string[];
  size_bytes: number;
  size_vram: number;
  context_length: number | null;
  expires_at: DateTime | null;
}

export interface Locator {
  kind: "section" | "slide" | "sheet" | "line";
  value: string;
}

export interface LoginIn {
  token?: string | null;
  username?: string | null;
  password?: string | null;
}

export interface LoginLink {
  user: User;
  url: string;
  expires_at: DateTime;
}

export interface LoginOut {
  user: User;
  csrf_token: string;
}

export interface ManifestOut {
  ok: boolean;
  verified_at: DateTime;
  weights: WeightsOut[];
}

export interface Me {
  user: User;
  via: "session" | "key" | "local";
  scopes: string[];
  csrf_token: string | null;
  limits: OwnLimits;
}

export interface MePatch {
  display_name?: string;
  language?: Language;
  theme?: Theme;
}

export interface Memory {
  id: UUID;
  text: string;
  enabled: boolean;
  conversation: UUID | null;
  created_at: DateTime;
  updated_at: DateTime;
}

export interface MemoryIn {
  text: string;
}

export interface MemoryPatch {
  text?: string;
  enabled?: boolean;
}

export interface MemoryView {
  loaded: LoadedModel[];
  models_ram_bytes: number;
  models_vram_bytes: number;
  total_bytes: number;
  available_bytes: number;
  same_machine: boolean;
}

export interface MessageIn {
  conversation_id: string;
  message: string;
  user_id?: string | null;
  timestamp?: DateTime | null;
  assistant?: string | null;
  model?: string | null;
  stream?: boolean;
}

export interface Model {
  name: string;
  size: string;
  size_bytes: number;
  role: "language_model" | "embedder" | "reranker" | "transcriber" | "synthesizer";
  loaded: boolean;
  digest: string;
  parameters: string;
  quantization: string;
  engine: string;
  state: "loaded" | "ready" | "made when needed" | "missing" | "damaged";
  serves: ("chat" | "router" | "embed" | "rerank" | "speech")[];
  context_length: number | null;
  family: string;
  licence: string;
  modified_at: DateTime | null;
  size_in_memory: number;
  size_vram: number;
  expires_at: DateTime | null;
  speed: Speed | null;
}

export interface ModelEngine {
  kind: string;
  ok: boolean;
  manages: boolean;
  version: string;
  detail: string;
  hint: string;
}

export interface ModelList {
  models: Model[];
  engine: ModelEngine;
}

export interface ModelNamed {
  model: string;
}

export interface ModelShown {
  name: string;
  size: string;
  size_bytes: number;
  role: "language_model" | "embedder" | "reranker" | "transcriber" | "synthesizer";
  loaded: boolean;
  digest: string;
  parameters: string;
  quantization: string;
  engine: string;
  state: "loaded" | "ready" | "made when needed" | "missing" | "damaged";
  serves: ("chat" | "router" | "embed" | "rerank" | "speech")[];
  context_length: number | null;
  family: string;
  licence: string;
  modified_at: DateTime | null;
  size_in_memory: number;
  size_vram: number;
  expires_at: DateTime | null;
  speed: Speed | null;
  capabilities: string[];
  trained_context_length: number | null;
  template: string;
  settings: string;
  licence_text: string;
}

export interface ModelTask {
  run_id: UUID;
  kind: "pull" | "import" | "speed";
  model: string;
  status: "running" | "done" | "failed" | "stopped" | "interrupted";
  created_at: DateTime;
}

export interface NewApiKey {
  id: UUID;
  prefix: string;
  name: string;
  user_id: UUID;
  username: string;
  scopes: string[];
  created_at: DateTime;
  expires_at: DateTime | null;
  last_used_at: DateTime | null;
  revoked: boolean;
  key: string;
}

export interface OwnLimits {
  upload_bytes: number;
  question_characters: number;
}

export interface Passage {
  document: string;
  file_id: UUID;
  page: number | null;
  score: number;
  text: string;
  chunk_id: UUID;
  scores: StageScores;
  locator: Locator | null;
  headings: string[];
  start: number;
  end: number;
  collection: UUID;
  language: string | null;
}

export interface PassageContext {
  file_id: UUID;
  document: string;
  chunk_id: UUID;
  before: string;
  text: string;
  after: string;
  page: number | null;
  locator: Locator | null;
  headings: string[];
  start: number;
  end: number;
}

export interface PasswordIn {
  password: string;
  current?: string | null;
}

export interface PermissionsIn {
  readers?: Grantee[];
  editors?: Grantee[];
}

export interface Person {
  id: UUID;
  username: string;
  display_name: string;
}

export interface PersonUsage {
  user: UUID;
  username: string;
  messages: number;
  messages_limit: number;
  tokens: number;
  tokens_limit: number;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  hint: string;
  request_id: string | null;
}

export interface Progress {
  stage: DocumentStatus;
  done: number;
  total: number;
  seconds: Record<string, number>;
}

export interface Prompt {
  id: UUID;
  name: string;
  title: string;
  text: string;
  variables: string[];
  shared: boolean;
  mine: boolean;
  owner: string;
  created_at: DateTime;
  updated_at: DateTime;
}

export interface PromptIn {
  name: string;
  title: string;
  text: string;
  shared?: boolean;
}

export interface PromptPatch {
  name?: string;
  title?: string;
  text?: string;
  shared?: boolean;
}

export interface PullRequest {
  model: string;
  insecure?: boolean;
}

export interface QueueState {
  places: number;
  writing: number;
  waiting: Record<string, number>;
  mine: number;
}

export interface QueuedJob {
  file_id: UUID;
  job_id: UUID | null;
  status: DocumentStatus;
}

export interface RateLimit {
  allowed: boolean;
  remaining: number;
  limit: number;
  window: number;
  retry_after: number | null;
}

export interface RegenerateIn {
  assistant?: string | null;
  model?: string | null;
  stream?: boolean;
}

export interface Reply {
  message: string;
  agent: string;
  confidence: number;
  reasoning: string;
  timestamp: DateTime;
  message_id: UUID;
  sources: Source[];
  model: string | null;
  mode: MessageMode;
  remaining: number;
  conversation_id: string;
  user_message_id: UUID | null;
  run_id: UUID;
  decided_by: DecidedBy;
  tokens: number;
  usage: Usage;
  grounded: GroundedSentence[];
  language: string;
  nothing_found: boolean;
  stopped: boolean;
  notice: string | null;
  partial: string | null;
  escalation_id: UUID | null;
  first_token_ms: number | null;
  milliseconds: number;
}

export interface Retrieval {
  candidates?: number;
  floor?: number;
  kept?: number;
}

export interface RetryIn {
  password?: string | null;
}

export interface RoleOut {
  role: "chat" | "router" | "embed" | "rerank" | "speech";
  model: string | null;
  engine: string;
  source: "chosen" | "settings" | "automatic" | "built_in" | "none";
  assignable: boolean;
  setting: string;
}

export interface RolesIn {
  chat?: string | null;
  router?: string | null;
}

export interface RolesOut {
  roles: RoleOut[];
}

export interface RouteIn {
  message: string;
  current?: string | null;
  previous?: string[];
}

export interface RoutingEvaluation {
  judged: Judged[];
  milliseconds: number;
  embedder: string | null;
}

export interface RoutingEvaluationIn {
  messages: LabelledMessage[];
  folds?: number;
}

export interface Run {
  id: UUID;
  kind: string;
  status: "running" | "done" | "failed" | "stopped" | "interrupted";
  created_at: DateTime;
  finished_at: DateTime | null;
}

export interface SearchFilters {
  documents?: UUID[] | null;
  tags?: string[] | null;
  languages?: string[] | null;
  agent_owner?: string | null;
  agent_owners?: string[] | null;
}

export interface SearchIn {
  query: string;
  limit?: number;
  collection?: UUID | null;
  filters?: SearchFilters | null;
}

export interface SearchOut {
  results: Passage[];
  nothing_found: boolean;
  support: number;
  language: string;
  degraded: string | null;
}

export interface SessionOut {
  id: UUID;
  user_id: UUID;
  username: string;
  user_agent: string;
  peer: string;
  created_at: DateTime;
  seen_at: DateTime;
  expires_at: DateTime;
  current: boolean;
}

export interface ShareIn {
  readers?: Grantee[];
}

export interface SharedWith {
  user: UUID | null;
  group: UUID | null;
  name: string;
}

export interface Source {
  number: number;
  document: string;
  file_id: UUID;
  page: number | null;
  score: number;
  quote: string;
  chunk_id: UUID;
  locator: Locator | null;
  headings: string[];
  start: number;
  end: number;
  collection: UUID;
  scores: StageScores;
}

export interface Speed {
  prompt_tokens: number;
  prompt_tokens_per_second: number | null;
  tokens: number;
  tokens_per_second: number | null;
  load_seconds: number;
  context_length: number;
  measured_at: DateTime;
}

export interface StageScores {
  dense: number | null;
  lexical: number | null;
  fused: number;
  reranked: number | null;
  words: number | null;
  characters: number | null;
  late_interaction: number | null;
}

export interface TagIn {
  keywords: Record<string, string[]>;
  collection?: UUID | null;
}

export interface Tagged {
  tagged: Record<string, number>;
}

export interface TextSection {
  text: string;
  start: number;
  page: number | null;
  headings: string[];
  locator: Locator | null;
  table: boolean;
}

export interface TomlIn {
  toml: string;
  replace?: boolean;
}

export interface TriedRoute {
  agent: string;
  confidence: number;
  reasoning: string;
  by: DecidedBy;
  probabilities: Record<string, number>;
  milliseconds: number;
}

export interface Uploaded {
  file_id: UUID;
  filename: string;
  size: number;
  status: DocumentStatus;
  collection: UUID;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
}

export interface User {
  id: UUID;
  username: string;
  display_name: string;
  role: Role;
  language: Language;
  theme: Theme;
  groups: UUID[];
  has_password: boolean;
  disabled: boolean;
  created_at: DateTime;
  last_seen_at: DateTime | null;
}

export interface UserIn {
  username: string;
  display_name?: string;
  role?: Role;
  language?: Language;
  groups?: UUID[];
}

export interface UserPatch {
  display_name?: string;
  role?: Role;
  language?: Language;
  groups?: UUID[];
  disabled?: boolean;
}

export interface WeightFileOut {
  path: string;
  sha256: string;
  size_bytes: number;
  present: boolean;
  verified: boolean;
}

export interface WeightsOut {
  name: string;
  role: "language_model" | "embedder" | "reranker" | "transcriber" | "synthesizer";
  engine: string;
  source: string;
  licence: string;
  state: "loaded" | "ready" | "made when needed" | "missing" | "damaged";
  size_bytes: number;
  files: WeightFileOut[];
}
