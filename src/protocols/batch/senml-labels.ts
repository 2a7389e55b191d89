/**
 * A batch as a SenML pack in CBOR (RFC 8428 6): one record a message, in order. Any SenML reader gets names, times, units and
 * values; what SenML has no label for is in labels of our own, which it skips (RFC 8428 4.4: none ends in "_").
 *
 * bn, n   together the topic, where that is a SenML name (RFC 8428 4.5.1)
 * wtp     the topic, where it is none
 * bt, t   when it was measured, in s
 * v, vb, vs, u   value and unit of a reading; or, with form 3, a payload that is a number, true, false or a text
 * vd      any other payload
 * wf      flags: QoS + 4 if retained + 8 * form. Form: 0, 1, 2 a reading of quality good, uncertain, bad; 3 a bare payload.
 *         With vd the form means nothing and is 0
 * wbf     in the first record: the flags of every message that has no wf. 0 if left out
 * wid     in the first record: the id of the batch
 */

/** The labels of ours, text as RFC 8428 6 wants extensions, with a letter in front that keeps them from what SenML may yet define. */
export const TOPIC = "wtp";
export const OWN_FLAGS = "wf";
export const BASE_FLAGS = "wbf";
export const ID = "wid";

export const RETAIN = 4;
export const FORM = 8;
/** The form after those of `QUALITIES`. */
export const BARE = 3;
/** Flags are below it. */
export const FLAGS = 32;
