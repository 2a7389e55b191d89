import { z } from "zod";
import { templateProblem, validFilter, validPrefix, validTopic } from "../core/topics.js";
import { unless } from "./scalars.js";

/** MQTT allows 65,535 bytes (1.5.3); what a person writes and is longer than this is a mistake. */
const LONGEST = 512;

/** Receivers may close the connection for U+0001..U+001F and U+007F..U+009F (MQTT 1.5.4), and logs suffer from them. */
function untidy(text: string): string | undefined {
  if (text.length > LONGEST) return `must be at most ${LONGEST} characters long`;
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) return "must have no control characters in it";
  if (/^\/|\/\//.test(text)) return "must not begin with a slash or have two in a row";
  return undefined;
}

/** A topic template that any resource could have; whether it fits the format is checked where both are known. */
function readingTopicProblem(text: string): string | undefined {
  const problem = templateProblem(text);
  if (problem !== undefined) return problem;
  return text.endsWith("/") ? "must not end with a slash" : untidy(text);
}

function filterProblem(text: string): string | undefined {
  return validFilter(text) ? untidy(text) : "must be an MQTT filter: + and # alone between slashes, # only at the end";
}

/** "" or whole levels with their slash: a prefix that ends inside a level would cut names in two. */
function bridgePrefixProblem(text: string): string | undefined {
  if (text === "") return undefined;
  if (!text.endsWith("/")) return "must be empty or end with a slash, such as site7/";
  return validTopic(text) ? untidy(text) : "must be a topic: no + or # in it";
}

function plainTopicProblem(text: string): string | undefined {
  return validTopic(text) ? untidy(text) : "must be a topic: no + or # in it";
}

function gatewayPrefixProblem(text: string): string | undefined {
  return validPrefix(text)
    ? untidy(text)
    : "must be a topic such as weir or site7/weir: no + # { }, no $ or / in front";
}

function checked(hint: string, problem: (text: string) => string | undefined) {
  return z.string(unless(hint)).superRefine((text, context) => {
    const message = problem(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

export const template = checked("must be a topic in text, such as {prefix}/{device}/{resource}", readingTopicProblem);
export const filter = checked("must be an MQTT filter in text, such as # or +/temperature", filterProblem);
export const bridgePrefix = checked("must be text that ends with a slash, such as site7/", bridgePrefixProblem);
export const gatewayPrefix = checked("must be text, such as weir", gatewayPrefixProblem);
export const plainTopic = checked("must be a topic in text, such as site7/batch", plainTopicProblem);
