// A part of verdicts.slow.test.js, for every run.
import { compareVerdicts } from "./support/verdicts.js";

compareVerdicts(2_000);
