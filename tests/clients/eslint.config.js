// The rules that schema.graphql keeps. Each exception says why.
import graphql from "@graphql-eslint/eslint-plugin";
import { possibleTypes, schemaFile } from "./support/schema.js";

const recommended = graphql.configs["flat/schema-recommended"].rules;
const relay = graphql.configs["flat/schema-relay"].rules;

export default [
  {
    files: ["schema.graphql"],
    plugins: { "@graphql-eslint": graphql },
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: schemaFile } } },
    rules: {
      ...recommended,
      ...relay,
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            // The envelopes of Relay's connections and of mutations; what the caller may do with a thing that has an id.
            suffixes: ["Connection", "Edge", "Payload", "ViewerCan"],
            types: [
              "PageInfo",
              "UserError",
              // Their place in the log is the cursor.
              "Change",
              "ChangePage",
              "LlmCallEvent",
              ...possibleTypes.CoachingEvent,
              ...possibleTypes.RunEvent,
              // Parts of one thing, told with it and never asked for alone.
              "AnswerUsage",
              "Citation",
              "ContradictionCheck",
              "ErasedCount",
              "FileUpload",
              "GraphProblem",
              "GuardrailFault",
              "GuardrailFinding",
              "GuardrailRule",
              "LlmAttempt",
              "LlmCallContent",
              "LlmError",
              "LlmGuardrail",
              "MemoryChange",
              "MemoryContradiction",
              "MemorySource",
              "ModelCircuit",
              "Money",
              "RouteFallbacks",
              "RouteRetry",
              "RouteTarget",
              "RouteTimeouts",
              "RunError",
              "SessionSummary",
              "StepAttempt",
              "StepError",
              "StepSnapshot",
              "TextSpan",
              "TokenUsage",
              "WorkflowDraft",
              // Told apart by a name in their workspace, or in the server's configuration.
              "Entity",
              "GuardrailPolicy",
              "Provider",
              "TrustedDocument",
              // Computed for one question.
              "Answer",
              "ExplainedTarget",
              "GuardrailTest",
              "MemoryCandidate",
              "MemoryEmbedding",
              "MemoryExport",
              "RecallGroup",
              "RecallHit",
              "RecallResult",
              "RecallSignals",
              "RefusedCandidate",
              "RouteExplanation",
              "Usage",
              "UsageShare",
            ],
          },
        },
      ],
      // Short lists that are bounded by what they are part of need no paging: `userErrors`, `hits`, a connection's `nodes`.
      // What a connection lists is a `Node`, but for `Entity`, `StepAttempt` and `TrustedDocument`: a test beside this says so, for the rule knows no names.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false }],
    },
  },
  {
    files: ["schema.graphql"],
    // `ErrorCode` lists what `extensions.code` of an error can be: no field leads there.
    rules: { "@graphql-eslint/no-unreachable-types": "off" },
  },
];
