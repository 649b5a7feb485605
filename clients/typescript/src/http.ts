import { authorization, type Credentials } from "./credentials.js";
import { AifirstError, type Answer, type GraphQLAnswerError } from "./errors.js";
import type { Request } from "./transport.js";

/** The data of a query or mutation. */
export async function request(
  fetchImpl: typeof fetch,
  url: string,
  credentials: Credentials,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const token = await credentials.current();
  try {
    return await once(fetchImpl, url, token, request, signal);
  } catch (error) {
    if (!(error instanceof AifirstError) || error.code !== "UNAUTHENTICATED") throw error;
    const other = await credentials.other(token);
    if (other === undefined) throw error;
    return await once(fetchImpl, url, other, request, signal);
  }
}

/** The address in full, with a scheme that fits; what is none will not become one. */
export function address(url: string): string {
  const base = typeof location === "undefined" ? undefined : location.href;
  try {
    const { protocol, href } = new URL(url, base);
    if (/^(http|ws)s?:$/.test(protocol)) return href.replace(/^ws/, "http");
  } catch (cause) {
    throw new AifirstError("WRONG_ADDRESS", `not an address: ${JSON.stringify(url)}`, { cause });
  }
  throw new AifirstError("WRONG_ADDRESS", `not an address of HTTP: ${JSON.stringify(url)}`);
}

/** Asks for nothing, to hear what answers there; throws where that is no GraphQL server, or one that refuses. */
export async function probe(fetchImpl: typeof fetch, url: string, token: string, signal: AbortSignal): Promise<void> {
  await once(fetchImpl, url, token, { query: "{ __typename }", variables: {} }, signal);
}

async function once(fetchImpl: typeof fetch, url: string, token: string, request: Request, signal: AbortSignal | undefined) {
  const target = address(url);
  let response: Response;
  try {
    response = await fetchImpl(target, {
      method: "POST",
      headers: {
        accept: "application/graphql-response+json",
        authorization: authorization(token),
        "content-type": "application/json",
      },
      body: JSON.stringify(request),
      ...(signal && { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new AifirstError("NETWORK", "the server cannot be reached", { cause });
  }
  if (!response.ok) throw await refusal(response);
  const { data, errors } = await body(response);
  if (errors) throw AifirstError.of(errors, data);
  if (data === undefined || data === null) throw stranger(response);
  return data;
}

/** Why a request was not executed. */
export async function refusal(response: Response): Promise<AifirstError> {
  const { errors } = await body(response);
  return errors ? AifirstError.of(errors) : stranger(response);
}

/** What a GraphQL server may say: any other JSON has neither data nor errors. */
async function body(response: Response): Promise<Answer & { errors?: readonly GraphQLAnswerError[] }> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw new AifirstError("NETWORK", "the answer broke off", { cause });
  }
  try {
    const { data, errors } = Object(JSON.parse(text)) as Answer;
    return Array.isArray(errors) ? { data, errors } : { data };
  } catch (cause) {
    throw stranger(response, cause);
  }
}

/** What a server in between says for now. */
const PASSING_STATUS = [408, 425, 429];

/** It was not a server of ours that answered. */
function stranger({ status }: Response, cause?: unknown): AifirstError {
  const code = status >= 500 || PASSING_STATUS.includes(status) ? "NETWORK" : "WRONG_ADDRESS";
  return new AifirstError(code, `the answer is none of a GraphQL server: status ${status}`, { cause });
}
