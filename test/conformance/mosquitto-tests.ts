/** Which of mosquitto's test/broker/*.py (v2.0.18) say something about another broker. Names only. */

/**
 * They speak MQTT and nothing else. Those that set options of mosquitto's are among them: each is run where the broker
 * under test has an equivalent, and left out by that option's name where it has none.
 */
export const FITS: ReadonlySet<string> = new Set(
  `
  01-connect-575314 01-connect-allow-anonymous 01-connect-disconnect-v5 01-connect-max-keepalive
  01-connect-take-over 01-connect-uname-no-password-denied 01-connect-uname-or-anon 01-connect-uname-password-denied
  01-connect-uname-password-denied-no-will 01-connect-windows-line-endings
  01-connect-zero-length-id
  02-shared-qos0-v5 02-subhier-crash 02-subpub-qos0-long-topic 02-subpub-qos0-oversize-payload 02-subpub-qos0-queued-bytes
  02-subpub-qos0-retain-as-publish 02-subpub-qos0-send-retain 02-subpub-qos0-subscription-id
  02-subpub-qos0-topic-alias 02-subpub-qos0-topic-alias-unknown 02-subpub-qos1 02-subpub-qos1-message-expiry
  02-subpub-qos1-message-expiry-retain 02-subpub-qos1-message-expiry-will 02-subpub-qos1-nolocal
  02-subpub-qos1-oversize-payload 02-subpub-qos2 02-subpub-qos2-1322 02-subpub-qos2-max-inflight-bytes
  02-subpub-qos2-pubrec-error 02-subpub-qos2-receive-maximum-1 02-subpub-qos2-receive-maximum-2
  02-subpub-recover-subscriptions 02-subscribe-dollar-v5 02-subscribe-invalid-utf8 02-subscribe-long-topic
  02-subscribe-persistence-flipflop
  03-pattern-matching 03-publish-b2c-disconnect-qos1 03-publish-b2c-disconnect-qos2 03-publish-b2c-qos1-len
  03-publish-b2c-qos2-len 03-publish-c2b-disconnect-qos2 03-publish-c2b-qos2-len 03-publish-dollar 03-publish-dollar-v5
  03-publish-invalid-utf8 03-publish-long-topic 03-publish-qos1 03-publish-qos1-max-inflight
  03-publish-qos1-max-inflight-expire 03-publish-qos1-no-subscribers-v5 03-publish-qos1-retain-disabled 03-publish-qos2
  03-publish-qos2-dup 03-publish-qos2-max-inflight
  04-retain-check-source 04-retain-check-source-persist 04-retain-check-source-persist-diff-port 04-retain-clear-multiple
  04-retain-qos0 04-retain-qos0-clear 04-retain-qos0-fresh 04-retain-qos0-repeated 04-retain-qos1-qos0
  05-clean-session-qos1 05-session-expiry-v5
  07-will-control 07-will-delay 07-will-delay-invalid-573191 07-will-delay-reconnect 07-will-delay-recover
  07-will-delay-session-expiry 07-will-delay-session-expiry2 07-will-disconnect-with-will 07-will-invalid-utf8
  07-will-no-flag 07-will-null 07-will-null-topic 07-will-oversize-payload 07-will-per-listener 07-will-properties
  07-will-qos0 07-will-reconnect-1273 07-will-takeover
  09-acl-access-variants 09-acl-change 09-acl-empty-file
  11-message-expiry 11-persistent-subscription 11-persistent-subscription-no-local 11-persistent-subscription-v5 11-pub-props
  11-subscription-id
  12-prop-assigned-client-identifier 12-prop-maximum-packet-size-broker 12-prop-maximum-packet-size-publish-qos1
  12-prop-maximum-packet-size-publish-qos2 12-prop-response-topic 12-prop-response-topic-correlation-data
  12-prop-server-keepalive 12-prop-subpub-content-type 12-prop-subpub-payload-format
  13-malformed-publish-v5 13-malformed-subscribe-v5 13-malformed-unsubscribe-v5
  msg_sequence_test
  `
    .trim()
    .split(/\s+/),
);

/** Beginnings of names, and why what begins so says nothing about another broker. */
const LEFT_OUT: readonly (readonly [names: readonly string[], reason: string])[] = [
  [
    ["01-connect-max-connections"],
    "a connection beyond the bound is closed before anything is done for it: whether it is seen as closed or as reset is chance",
  ],
  [["06-bridge-"], "mosquitto's own bridge: the broker under test would have to be configured to be one"],
  [["08-"], "mosquitto's own TLS options, with certificates that have expired"],
  [["09-auth-bad-method", "09-extended-auth-", "09-plugin-"], "a plugin in C, loaded into mosquitto"],
  [["14-dynsec-"], "mosquitto's dynamic security plugin and its topics"],
  [["01-bad-initial-packets"], "virtual memory of mosquitto's own process, read by a Python package"],
  [
    ["03-publish-qos1-queued-bytes"],
    "needs the Python package paho, and passes without a word where it is not installed",
  ],
  [["04-retain-upgrade-outgoing-qos"], "an option of mosquitto's own that goes against MQTT-3.8.4-6"],
  [["09-pwfile-parse-invalid"], "how mosquitto reads its own password file"],
  [["10-listener-mount-point"], "an option of mosquitto's own: topics with a prefix a listener"],
];

/** Not tests: what tests import or start. */
const HELPERS = [
  "02-subpub-qos2-receive-maximum-helper",
  "06-bridge-clean-session-core",
  "08-ssl-bridge-helper",
  "mosq_test_helper",
  "prop_subpub_helper",
  "test",
];

/** Why a test that does not fit is left out; null: it is no test. */
export function leftOutBecause(test: string): string | null {
  if (HELPERS.includes(test)) return null;
  const found = LEFT_OUT.find(([names]) => names.some((name) => test.startsWith(name)));
  return found?.[1] ?? "not known: the checkout has another version";
}
