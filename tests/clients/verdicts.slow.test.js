// What is a valid document: 10,000 random ones over our schema, by our server and by graphql-js.
import { compareVerdicts } from "./support/verdicts.js";

compareVerdicts(10_000);
