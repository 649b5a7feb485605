import { writeFileSync } from "node:fs";
import { generated, generatedFile } from "./generated.js";

writeFileSync(generatedFile, await generated());
