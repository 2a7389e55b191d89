/** The groups of all CoAP nodes (RFC 7252 12.8). An IPv6 group of a link is asked by the link: `ff02::fd%eth0`. */
export const ALL_COAP_NODES = { ipv4: "224.0.1.187", linkLocal: "ff02::fd", siteLocal: "ff05::fd" } as const;
