/**
 * Every key of mosquitto.conf (2.0 and 2.1) and whose it is. Those with a reason have no equivalent: the reason says what Weir does
 * instead, or why there is nothing to do. Those without are read by the code of their section.
 */
export type Owner = "general" | "access" | "listener" | "bridge";

interface Key {
  readonly owner: Owner;
  readonly reason?: string;
}

const LOG = "Weir logs to stderr; see log.level and log.format";
const SYS = "Weir publishes no $SYS topics: its counters are at <prefix>/$gateway/<id>/counters";
const QUEUE = "Weir always keeps the queue on the disk, in gateway.state, unless outbox.durability is memory";
const CLIENTS = "left out: there is no setting for it";
const LOCAL = "the bridge is a part of the broker here and does not log in to it";
const USERS = "left out: users and access rules are not imported";
const IDLE = "left out: the bridge is always connected";
const STATUS = "left out: Weir publishes its status at <prefix>/$gateway/<id>/status, online or offline";
const TLS = "left out: listeners with TLS are not imported";
const SYSTEM = "left out: the service manager does this (see docs/guide/install.md)";
const NODE_TLS = "left out: TLS 1.2 and newer with the ciphers of Node.js";

const general = (reason?: string): Key => ({ owner: "general", ...(reason === undefined ? {} : { reason }) });
const access = (reason?: string): Key => ({ owner: "access", ...(reason === undefined ? {} : { reason }) });
const listener = (reason?: string): Key => ({ owner: "listener", ...(reason === undefined ? {} : { reason }) });
const bridge = (reason?: string): Key => ({ owner: "bridge", ...(reason === undefined ? {} : { reason }) });

const KEYS: Readonly<Record<string, Key>> = {
  allow_duplicate_messages: general("left out: it is deprecated in mosquitto too"),
  autosave_interval: general(QUEUE),
  autosave_on_changes: general(QUEUE),
  check_retain_source: general(USERS),
  clientid_prefixes: general(USERS),
  connection_messages: general(LOG),
  enable_control_api: general(SYS),
  include_dir: general(),
  log_dest: general(LOG),
  log_facility: general(LOG),
  log_timestamp: general(LOG),
  log_timestamp_format: general(LOG),
  log_type: general(LOG),
  max_inflight_bytes: general("left out: a bridge counts messages in flight (window), not bytes"),
  max_inflight_messages: general(),
  max_keepalive: general(CLIENTS),
  max_packet_size: general(CLIENTS),
  max_queued_bytes: general(),
  max_queued_messages: general(),
  memory_limit: general("left out: the service manager can hold a process to a bound (MemoryMax of systemd)"),
  message_size_limit: general(CLIENTS),
  per_listener_settings: general(),
  persistence: general(QUEUE),
  persistence_file: general(QUEUE),
  persistence_location: general(`${QUEUE}; the database of mosquitto is not read`),
  persistent_client_expiration: general(CLIENTS),
  pid_file: general(SYSTEM),
  queue_qos0_messages: general("a bridge queues QoS 0 as well while its upstream is away"),
  retain_available: general("left out: the broker keeps retained messages"),
  retain_expiry_interval: general("left out: the broker keeps retained messages"),
  retry_interval: general("left out: it has no effect in mosquitto either"),
  set_tcp_nodelay: general("left out: Nagle's algorithm is off for clients anyway"),
  sys_interval: general(SYS),
  upgrade_outgoing_qos: general("left out: the QoS of a message is never raised"),
  user: general(SYSTEM),
  websockets_headers_size: general(CLIENTS),
  websockets_log_level: general(LOG),

  acl_file: access(),
  allow_anonymous: access(),
  allow_zero_length_clientid: access(USERS),
  auth_plugin: access(),
  auth_plugin_deny_special_chars: access(USERS),
  auto_id_prefix: access(USERS),
  global_plugin: access(),
  password_file: access(),
  plugin: access(),
  psk_file: access(),

  accept_protocol_versions: listener(CLIENTS),
  bind_address: listener(),
  bind_interface: listener(),
  cafile: listener(TLS),
  capath: listener(TLS),
  certfile: listener(),
  ciphers: listener(TLS),
  "ciphers_tls1.3": listener(TLS),
  crlfile: listener(TLS),
  dhparamfile: listener(TLS),
  http_dir: listener("left out: the broker serves no files"),
  keyfile: listener(),
  max_connections: listener(CLIENTS),
  max_qos: listener(CLIENTS),
  max_topic_alias: listener(CLIENTS),
  max_topic_alias_broker: listener(CLIENTS),
  mount_point: listener(),
  port: listener(),
  protocol: listener(),
  psk_hint: listener(),
  require_certificate: listener(TLS),
  socket_domain: listener(),
  tls_engine: listener(TLS),
  tls_engine_kpass_sha1: listener(TLS),
  tls_keyform: listener(TLS),
  tls_version: listener(TLS),
  use_identity_as_username: listener(TLS),
  use_subject_as_username: listener(TLS),
  use_username_as_clientid: listener(USERS),
  websockets_origin: listener("left out: pages of every origin may connect to ws://"),

  address: bridge(),
  bridge_alpn: bridge(),
  bridge_attempt_unsubscribe: bridge("left out: Weir does not unsubscribe from what it never subscribed to"),
  bridge_bind_address: bridge("left out: the system chooses the address to connect from"),
  bridge_cafile: bridge(),
  bridge_capath: bridge(),
  bridge_certfile: bridge(),
  bridge_ciphers: bridge(NODE_TLS),
  "bridge_ciphers_tls1.3": bridge(NODE_TLS),
  bridge_identity: bridge(),
  bridge_insecure: bridge(),
  bridge_keyfile: bridge(),
  bridge_max_packet_size: bridge("left out: the upstream says what it takes (MQTT 5)"),
  bridge_max_topic_alias: bridge(),
  bridge_outgoing_retain: bridge(),
  bridge_protocol_version: bridge(),
  bridge_psk: bridge(),
  bridge_receive_maximum: bridge("left out: it bounds what the upstream sends at once, which Weir takes one by one"),
  bridge_reload_type: bridge(IDLE),
  bridge_require_ocsp: bridge("left out: OCSP is not asked for"),
  bridge_session_expiry_interval: bridge("left out: with MQTT 5 and clean: false the session does not expire"),
  bridge_tcp_keepalive: bridge("left out: keepAlive finds a dead connection"),
  bridge_tcp_user_timeout: bridge("left out: keepAlive finds a dead connection"),
  bridge_tls_use_os_certs: bridge(),
  bridge_tls_version: bridge(NODE_TLS),
  cleansession: bridge(),
  idle_timeout: bridge(IDLE),
  keepalive_interval: bridge(),
  local_cleansession: bridge("left out: nothing on the local side depends on a session, what waits is in the outbox"),
  local_clientid: bridge(LOCAL),
  local_password: bridge(LOCAL),
  local_username: bridge(LOCAL),
  notification_topic: bridge(STATUS),
  notifications: bridge(STATUS),
  notifications_local_only: bridge(STATUS),
  remote_clientid: bridge(),
  remote_password: bridge(),
  remote_username: bridge(),
  restart_timeout: bridge(),
  round_robin: bridge(),
  start_type: bridge(IDLE),
  threshold: bridge(IDLE),
  topic: bridge(),
  try_private: bridge("left out: no mark of a bridge is sent to the upstream"),
};

const known = new Map(Object.entries(KEYS));

/** undefined for a key that mosquitto does not know. */
export function lookUp(key: string): Key | undefined {
  return known.get(key) ?? (/^(auth|plugin)_opt_/.test(key) ? { owner: "access", reason: USERS } : undefined);
}

export function knownKeys(): string[] {
  return ["connection", "listener", ...known.keys()];
}
