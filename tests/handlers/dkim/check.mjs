// Asks an independent verifier of DKIM signatures. `node check.mjs KEYRECORD FILE...` writes a JSON list: of each
// message whether its signature holds, of which domain it is, and the headers that it covers.
import { readFileSync } from "node:fs";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";

const [record, ...files] = process.argv.slice(2);
const resolver = async (name) => {
  if (name === "s1._domainkey.riverside.example") return [[record]];
  throw Object.assign(new Error(name), { code: "ENOTFOUND" });
};
const verdicts = [];
for (const file of files) {
  const { results } = await dkimVerify(readFileSync(file), { resolver });
  const [{ status, signingDomain, signingHeaders }] = results;
  verdicts.push({ result: status.result, domain: signingDomain, headers: signingHeaders.keys.toLowerCase() });
}
console.log(JSON.stringify(verdicts));
