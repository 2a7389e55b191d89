import type { Access } from "./access.js";

/** Anyone may anything: for a broker that nobody but this process and its tests reaches. */
export const everyone: Access = {
  authenticate: ({ clientId, username, listener }) => ({ ok: true, identity: { clientId, user: username, listener } }),
  may: () => true,
  onChange: () => {},
  close: async () => {},
};
