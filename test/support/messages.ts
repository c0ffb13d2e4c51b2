/**
 * The messages of gearmand's log at WARNING and above and of errors that end a command, as the source has them. A part
 * that the program fills in is shown as `…`. Rule: a text that is made elsewhere is collected where it is made.
 *
 *   log.log(LogLevel.WARNING, TEXT)   { level: LogLevel.WARNING, text: TEXT }   incidents.report(reason, TEXT)
 *   reportNow(core, reason, TEXT)     complain(TEXT)     new SomeError(TEXT)     problems.push(TEXT)   and such
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './markdown.ts';

export interface Message {
  readonly text: string;
  /** Where it is made: FILE:LINE. */
  readonly place: string;
}

const GRAVE = /^LogLevel\.(FATAL|ALERT|CRITICAL|ERROR|WARNING)$/;
/** Functions that make messages which another place logs or throws. */
const MAKERS = /^(openness|certificateWarnings|tooFewDescriptors|notAllowed|conflictsOf)$/;
/** Names of constants and properties that hold such messages. */
const HOLDERS = /^#?(remark|warning|FAULT_TEXTS)$/;

/** A message of its own has two words at least; others are parts of one. */
const isMessage = (text: string): boolean =>
  text.includes(' ') && text.replace(/[^a-z]/gi, '').length >= 4;

/** All messages of the files that `places` are or have, without those of `left`. */
export function messagesOf(places: readonly string[], left: readonly string[]): Message[] {
  const files = places.flatMap((place) =>
    place.endsWith('.ts')
      ? [place]
      : readdirSync(join(root, place), { recursive: true, encoding: 'utf8' }).map((name) =>
          join(place, name),
        ),
  );
  return files
    .filter((file) => file.endsWith('.ts') && !left.some((part) => file.startsWith(part)))
    .sort()
    .flatMap(messagesIn);
}

function messagesIn(file: string): Message[] {
  const text = readFileSync(join(root, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Message[] = [];
  const take = (node: ts.Expression | undefined): void => {
    if (node === undefined) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    const place = `${relative(root, join(root, file))}:${line}`;
    for (const one of textsOf(node, source)) if (isMessage(one)) found.push({ text: one, place });
  };
  const visit = (node: ts.Node): void => {
    for (const taken of sitesOf(node)) take(taken);
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

/** The expressions that are messages in a node. */
function sitesOf(node: ts.Node): (ts.Expression | undefined)[] {
  if (ts.isNewExpression(node) && /Error$/.test(node.expression.getText()))
    return [...(node.arguments ?? [])].flatMap((one) =>
      ts.isArrayLiteralExpression(one) ? [...one.elements] : [one],
    );
  if (ts.isObjectLiteralExpression(node)) return noteOf(node);
  if (isMaker(node)) return literalsIn(node);
  if (
    ts.isTemplateExpression(node) &&
    /^`\$\{levelColumn\(LogLevel\.(ERROR|WARNING)\)/.test(node.getText())
  )
    return node.templateSpans.slice(1).map(({ expression }) => expression);
  if (!ts.isCallExpression(node)) return [];
  const name = node.expression.getText().replace(/^.*\./, '').replace('#', '');
  const [first, second, third] = node.arguments;
  if (name === 'deny' || name === 'reportNow') return [third];
  if (/^(refuse|refused|reportRefusal)$/.test(name)) return [node.arguments[3]];
  if (name === 'tell' || /ignored\.push$/.test(node.expression.getText())) return [first];
  if (/^(log|say)$/.test(name) && first !== undefined && GRAVE.test(first.getText()))
    return [second];
  if (name === 'report') return [second];
  if (name === 'complain' || name === 'busy' || /problems\.push$/.test(node.expression.getText()))
    return [first];
  return [];
}

function isMaker(node: ts.Node): boolean {
  if (ts.isFunctionDeclaration(node)) return MAKERS.test(node.name?.text ?? '');
  if (ts.isVariableDeclaration(node) || ts.isPropertyAssignment(node))
    return HOLDERS.test(node.name.getText());
  return (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    HOLDERS.test(node.left.getText().replace('this.', ''))
  );
}

/** Texts in a node, without those that are parts of others; of a function those that it returns. */
function literalsIn(node: ts.Node, isInside = !ts.isFunctionDeclaration(node)): ts.Expression[] {
  if (isInside && (ts.isTemplateExpression(node) || ts.isStringLiteralLike(node))) return [node];
  const found: ts.Expression[] = [];
  node.forEachChild((child) => {
    found.push(...literalsIn(child, isInside || ts.isReturnStatement(child)));
  });
  return found;
}

function noteOf(node: ts.ObjectLiteralExpression): (ts.Expression | undefined)[] {
  const partOf = (key: string): ts.Expression | undefined => {
    const found = node.properties.find((one) => one.name?.getText() === key);
    if (found === undefined) return undefined;
    return ts.isPropertyAssignment(found) ? found.initializer : (found.name as ts.Identifier);
  };
  return GRAVE.test(partOf('level')?.getText() ?? '') ? [partOf('text')] : [];
}

/** What an expression can be, with `…` for what is not known here. */
function textsOf(node: ts.Expression, source: ts.SourceFile): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return textsOf(node.expression, source);
  if (ts.isConditionalExpression(node))
    return [...textsOf(node.whenTrue, source), ...textsOf(node.whenFalse, source)];
  if (ts.isTemplateExpression(node))
    return [
      node.templateSpans.reduce(
        (text, span) => text + shownAs(span.expression, source) + span.literal.text,
        node.head.text,
      ),
    ];
  if (ts.isIdentifier(node)) {
    const value = declared(node);
    return value === undefined ? [] : textsOf(value, source);
  }
  return [];
}

/** A part of a template: a constant that is a message by itself is shown by its text, everything else as `…`. */
function shownAs(part: ts.Expression, source: ts.SourceFile): string {
  const value = ts.isIdentifier(part) ? declared(part) : undefined;
  if (value === undefined || !(ts.isTemplateExpression(value) || ts.isStringLiteralLike(value)))
    return '…';
  const [text = ''] = textsOf(value, source);
  return isMessage(text) ? text : '…';
}

/** The value of a constant: that of the nearest block around its use. */
function declared(use: ts.Identifier): ts.Expression | undefined {
  for (let scope: ts.Node = use.parent; scope !== undefined; scope = scope.parent) {
    if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) continue;
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      for (const { name, initializer } of statement.declarationList.declarations)
        if (name.getText() === use.text && initializer !== undefined) return initializer;
    }
  }
  return undefined;
}
