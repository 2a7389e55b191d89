/**
 * What zlib may refer to before a batch has said anything (RFC 1950 2.2, preset dictionary): names and units that sensors
 * commonly have, and what is around them in either format, the likeliest last. The receivers have it too: it is never changed.
 * Another one would be added beside it, with a checksum of its own by which a batch names it.
 */
const NAMES =
  "battery_voltage altitude latitude longitude speed satellites open motion smoke leak switch counter state level distance flow " +
  "volume gas energy power current voltage frequency illuminance wind_speed rain noise soil_moisture dew_point co no2 o3 tvoc " +
  "voc_index co2 pm1_0 pm4_0 pm10 pm2_5 pressure humidity temperature ";

const UNITS = "m/s lx dB m3 kWh A W V Hz % ug/m3 ppb ppm Pa hPa %RH Cel".split(" ");

const JSON_ENDS = UNITS.map((unit) => `,"u":"${unit}","q":"good"},`).join("");
const JSON_RARE =
  '"q":"uncertain"},"q":"bad"},"payload":{"v":true,"payload":{"v":false,"base64":""text":"online""text":"offline","retain":true},';

/** A record's middle: u (01) with the unit, v (02) as decimal fraction (c4 82) of tenths (20). */
const SENML_MIDDLES = UNITS.map((unit) => `\x01${String.fromCharCode(0x60 + unit.length)}${unit}\x02\xc4\x82\x20\x19`);
/** The labels of ours; t (06) in ms (22); a record of four fields that begins with n (00); base name and base time. */
const SENML_REST = "\x63wbf\x01\x63wid\x62wf\x08\x06\xc4\x82\x22\x19\xa4\x00\x71\xa5\x21weir/\x22\xfb\x41\xda";

const JSON_USUAL =
  ',"qos":2},"qos":1,"retain":true},"u":"Cel","q":"good"},"qos":1},{"topic":"weir/","payload":{"v":2,"t":17';

export const DICTIONARY: Uint8Array = Buffer.from(
  NAMES + JSON_ENDS + JSON_RARE + SENML_MIDDLES.join("") + SENML_REST + JSON_USUAL,
  "latin1",
);

/** The Adler-32 of it, which a batch names it by (RFC 1950 2.2). */
export const DICTIONARY_ID = [0x95, 0x5e, 0x5c, 0xfe];
