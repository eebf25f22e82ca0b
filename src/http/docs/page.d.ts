/** What page.js exports, for its tests: browsers get the script as it is. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
}

interface Request {
  readonly path: string;
  readonly options: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
  };
}

export declare function valueOf(text: string, schema: Schema): unknown;
export declare function requestFor(path: string, values: Readonly<Record<string, unknown>>, token: string): Request;
export declare function curlFor(origin: string, request: Request): string;
export declare function shownText(text: string): string;
