// Asks the official AsyncAPI parser. `node check.mjs FILE...` writes a JSON list: valid, payloads and errors of each.
import parserPackage from "@asyncapi/parser";
import ajv2020Package from "ajv/dist/2020.js";

const { Parser, fromFile } = parserPackage;
const ajv = new (ajv2020Package.default ?? ajv2020Package)({ strict: false, allErrors: true });
let errors = [];
let payloads = 0;

// The parser itself knows JSON Schema draft-07 only and lets other formats pass unread. This is its own way to
// teach it one. In AsyncAPI 3 it calls `parse` alone, so the schema is judged there.
const jsonSchema2020 = {
  getMimeTypes: () => ["application/schema+json;version=2020-12"],
  validate: () => [],
  parse: ({ data, path }) => {
    payloads += 1;
    ajv.validateSchema(data);
    for (const { message, instancePath } of ajv.errors ?? []) {
      errors.push({ code: "payload-schema", message, path: path.join("/") + instancePath });
    }
    return data;
  },
};

const parser = new Parser();
parser.registerSchemaParser(jsonSchema2020);
const verdicts = [];
for (const file of process.argv.slice(2)) {
  [errors, payloads] = [[], 0];
  const { document, diagnostics } = await fromFile(parser, file).parse();
  errors.push(...diagnostics.map(({ code, message, path }) => ({ code, message, path: path.join("/") })));
  verdicts.push({ valid: document !== undefined && errors.length === 0, payloads, errors });
}
console.log(JSON.stringify(verdicts));
