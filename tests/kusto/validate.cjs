// Reads {tables: {name: "(column: type, …)"}, queries: […]} and prints, for each query, what Kusto's own language service complains about
// and the columns that it says come back.
const path = require("node:path");
const found = path.join(process.argv[2], "@kusto", "language-service-next");
require(path.join(found, "bridge.js"));
require(path.join(found, "Kusto.Language.Bridge.js"));
const { KustoCode, GlobalState } = Kusto.Language;
const { TableSymbol, DatabaseSymbol } = Kusto.Language.Symbols;
const { tables, queries } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const symbols = Object.entries(tables).map(([name, schema]) => new TableSymbol.$ctor7(name, schema, null));
const globals = GlobalState.Default.WithDatabase(new DatabaseSymbol.$ctor1("logs", symbols));
const answers = queries.map((query) => {
  const code = KustoCode.ParseAndAnalyze(query, globals);
  const said = code.GetDiagnostics();
  const complaints = [];
  for (let number = 0; number < said.Count; number++) complaints.push(`${said.getItem(number).Code} ${said.getItem(number).Message}`);
  const columns = {};
  const given = code.ResultType && code.ResultType.Columns;
  for (let number = 0; given && number < given.Count; number++) columns[given.getItem(number).Name] = given.getItem(number).Type.Name;
  return { complaints, columns };
});
console.log(JSON.stringify(answers));
