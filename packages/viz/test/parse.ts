/** Parses SVG into a tree that tests can ask about. What is not well-formed is rejected. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** An element of the picture. */
export interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  /** Its own text and that of everything inside. */
  text: string;
  /** Elements inside, at any depth, in document order. */
  all(name: string, where?: Record<string, string>): Element[];
  /** The first of them; an error when there is none. */
  one(name: string, where?: Record<string, string>): Element;
  number(attribute: string): number;
}

/** Parses one picture; throws when it is not well-formed XML. */
export function parse(svg: string): Element {
  const valid = XMLValidator.validate(svg);
  if (valid !== true) throw new Error(`not well-formed: ${JSON.stringify(valid.err)}`);
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    trimValues: false,
    parseTagValue: false,
  });
  const [root] = (parser.parse(svg) as Raw[]).map(toElement);
  return root as Element;
}

/** Corner points of path data made of absolute and relative moves and lines. */
export function pathPoints(d: string): [number, number][] {
  let at: [number, number] = [0, 0];
  return [...d.matchAll(/([MLml])(-?[\d.]+),(-?[\d.]+)/g)].map(([, command, x, y]) => {
    at = command === 'l' || command === 'm' ? [at[0] + Number(x), at[1] + Number(y)] : [Number(x), Number(y)];
    return at.map((value) => Math.round(value * 100) / 100) as [number, number];
  });
}

type Raw = Record<string, unknown>;

function toElement(raw: Raw): Element | string {
  if ('#text' in raw) return decode(String(raw['#text']));
  const name = Object.keys(raw).find((key) => key !== ':@') ?? '';
  const parts = (raw[name] as Raw[]).map(toElement);
  const children = parts.filter((part): part is Element => typeof part !== 'string');
  const attributes = Object.fromEntries(
    Object.entries((raw[':@'] ?? {}) as Record<string, string>).map(([key, value]) => [
      key,
      decode(String(value)),
    ]),
  );
  const all = (wanted: string, where: Record<string, string> = {}): Element[] =>
    children.flatMap((child) => {
      const fits =
        child.name === wanted && Object.entries(where).every(([k, v]) => child.attributes[k] === v);
      return [...(fits ? [child] : []), ...child.all(wanted, where)];
    });
  return {
    name,
    attributes,
    children,
    text: parts.map((part) => (typeof part === 'string' ? part : part.text)).join(''),
    all,
    one: (wanted, where) => {
      const [first] = all(wanted, where);
      if (first === undefined) throw new Error(`no <${wanted}> with ${JSON.stringify(where)} in <${name}>`);
      return first;
    },
    number: (attribute) => Number(attributes[attribute]),
  };
}

/** The parser leaves numeric references; decoding twice is harmless for the strings these tests use. */
function decode(content: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&', '#39': "'" };
  return content.replace(/&(lt|gt|quot|amp|#39);/g, (_, entity: string) => named[entity]);
}
