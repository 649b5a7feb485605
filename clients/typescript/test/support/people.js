// People of another issuer, who come by a JWT of their own.
import { createHmac } from "node:crypto";

const ISSUER = "https://issuer.example";
const SECRET = "a secret of the tests, of thirty-two bytes and more";

/** The server's settings that let them in. */
export const people = {
  AUTH__PROVISION_USERS: true,
  AUTH__JWT__ISSUER: ISSUER,
  AUTH__JWT__KEYS: `[{algorithm="HS256", secret="${SECRET}"}]`,
};

export function tokenOf(name) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const said = `${part({ alg: "HS256" })}.${part({ iss: ISSUER, aud: "aifirst", sub: name, name, exp })}`;
  return `${said}.${createHmac("sha256", SECRET).update(said).digest("base64url")}`;
}
