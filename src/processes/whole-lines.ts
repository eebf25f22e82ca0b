/** Cuts a stream of text at line ends, so that the lines of several streams can be written to one. */

/** Longer lines are broken. A log line with the bytes of a whole datagram is an eighth of it. No RFC's number. */
const maxLineLength = 1_048_576;

export class WholeLines {
  #rest = '';

  /** The text up to its last line end, with what came before; empty where no line has ended yet. */
  take(text: string): string {
    const end = text.lastIndexOf('\n') + 1;
    if (end === 0) {
      this.#rest += text;
      if (this.#rest.length <= maxLineLength) return '';
      const lines = `${this.#rest}\n`;
      this.#rest = '';
      return lines;
    }
    const lines = this.#rest + text.slice(0, end);
    this.#rest = text.slice(end);
    return lines;
  }
}
