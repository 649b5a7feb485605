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

async function once(fetchImpl: typeof fetch, url: string, token: string, request: Request, signal: AbortSignal | undefined) {
  let response: Response;
  try {
    response = await fetchImpl(url, {
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
  if (errors || data === undefined || data === null) throw AifirstError.of(errors ?? [], data);
  return data;
}

/** Why a request was not executed. */
export async function refusal(response: Response): Promise<AifirstError> {
  const { errors } = await body(response);
  if (errors) return AifirstError.of(errors);
  return new AifirstError("NETWORK", `the answer is none of a GraphQL server: status ${response.status}`);
}

async function body(response: Response): Promise<Answer & { errors?: readonly GraphQLAnswerError[] }> {
  try {
    return (await response.json()) as Answer;
  } catch (cause) {
    throw new AifirstError("NETWORK", `the answer is no JSON: status ${response.status}`, { cause });
  }
}
