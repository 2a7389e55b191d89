const DOUBTFUL = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;

/**
 * Why a text that MQTT allows is refused nevertheless, or undefined. Control characters and noncharacters may make a receiver
 * close its connection (MQTT 1.5.3): carried up, such a message would cut the gateway off from its upstream.
 */
export function topicFault(text: string, levels = Number.POSITIVE_INFINITY): string | undefined {
  if (DOUBTFUL.test(text)) return "a control character or noncharacter [MQTT 1.5.3, MQTT 5 1.5.4]";
  return levelsOf(text) > levels ? `more than ${levels} levels` : undefined;
}

function levelsOf(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf("/"); at !== -1; at = topic.indexOf("/", at + 1)) levels++;
  return levels;
}
