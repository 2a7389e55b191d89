/** What a mosquitto.conf of the suite asks for. */
export interface Conf {
  readonly ports: readonly number[];
  /** All other options, the last of a name. */
  readonly options: ReadonlyMap<string, string>;
}

/** What `mosquitto -p PORT` is: anyone may come in, nothing is kept. */
export function confOfPort(port: number): Conf {
  return { ports: [port], options: new Map() };
}

/** With a file it is what the file says, and nobody may come in who is not let in by it. */
export function readConf(text: string): Conf {
  const ports: number[] = [];
  const options = new Map([["allow_anonymous", "false"]]);
  for (const line of text.split("\n")) {
    const [option = "", ...rest] = line.trim().split(/\s+/);
    if (option === "" || option.startsWith("#")) continue;
    if (option === "port" || option === "listener") ports.push(Number(rest[0]));
    else options.set(option, rest.join(" "));
  }
  return { ports, options };
}

/** How the suite starts a broker: `-v -p PORT` or `-v -c FILE`. Throws where it is neither. */
export function readCommand(argv: readonly string[], read: (file: string) => string): Conf {
  const given = (name: string): string | undefined => {
    const at = argv.indexOf(name);
    return at < 0 ? undefined : argv[at + 1];
  };
  const [file, port] = [given("-c"), given("-p")];
  if (file !== undefined) return readConf(read(file));
  if (port !== undefined) return confOfPort(Number(port));
  throw new Error(`neither -p nor -c in: ${argv.join(" ")}`);
}
