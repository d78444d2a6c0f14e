/** The road of a helper that is not installed: its socket, who is let in at each end, and that it leaves nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { PROTOCOL_VERSION } from "../../src-helper/rpc/protocol.ts";
import type { HelperProcess } from "../../src-main/helper/elevator.ts";
import { peerUser } from "../../src-main/helper/peer.ts";
import { sudoRoad, type SudoRoadOptions } from "../../src-main/helper/sudo-road.ts";
import { REFOLD } from "../support/run.ts";
import { request } from "../rpc/client.ts";
import { ANNA, Machine } from "./machine.ts";
import { Agent, PersonsApp } from "./people.ts";

const NOBODY = 65534;
let runtimeDir: string;
beforeEach(() => {
  runtimeDir = mkdtempSync(join(tmpdir(), "refold-runtime-"));
  return () => {
    rmSync(runtimeDir, { recursive: true });
  };
});

describe("with real polkit", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.create();
    machine.setSession(ANNA, "active");
  });
  afterAll(() => machine.dispose());

  test("a clone's helper is asked for, speaks over its socket, and leaves no trace of it", async () => {
    await using agent = await Agent.start(machine, ANNA, "answers");
    {
      await using app = await PersonsApp.start(machine, ANNA, "clone");
      expect((await app.state()).helper.status).toBe("user");
      await app.call("helper.start", undefined);
      expect((await app.state()).helper).toEqual({ status: "running", error: null });
      expect(agent.questions.map(({ action }) => action)).toEqual(["org.freedesktop.policykit.exec"]);
      expect((await app.state()).helper.status).toBe("running");
    }
    expect(readdirSync(machine.path(`/run/user/${String(ANNA.uid)}`))).toEqual([]);
  });

  test.each([
    ["dismisses", "cancelled: The password was not given."],
    ["mistypes", "permission: The system refused Refold root's rights."],
  ] as const)("a person who %s it is told so", async (how, message) => {
    await using agent = await Agent.start(machine, ANNA, how);
    await using app = await PersonsApp.start(machine, ANNA, "clone");
    await expect(app.call("helper.start", undefined as never)).rejects.toThrow(message);
    expect([agent.questions.length > 0, (await app.state()).helper.status]).toEqual([true, "user"]);
  });

  test("nothing there that could ask: said so", async () => {
    await using app = await PersonsApp.start(machine, ANNA, "clone");
    await expect(app.call("helper.start", undefined as never)).rejects.toThrow(
      "There is nothing in this session",
    );
  });
});

describe("the app lets in", () => {
  interface Road {
    readonly started: HelperProcess;
    readonly directory: string;
    readonly nonce: string;
    readonly command: string;
    readonly said: () => string;
    readonly end: () => void;
  }

  /** A road whose elevation is the test's: nothing is started, and who connects is as `users` says, one by one. */
  async function road(users: readonly number[], program = REFOLD): Promise<Road> {
    let command = "";
    let end = (): void => undefined;
    const peers = [...users];
    const exec: SudoRoadOptions["exec"] = (words, _options, callback) => {
      command = words;
      end = () => callback?.(undefined, "", "");
    };
    const options = { runtimeDir, exec, peerUser: () => Promise.resolve(peers.shift() ?? NOBODY) };
    const started = await sudoRoad({ program, database: null }, options).start("manage");
    let said = "";
    started.stderr.on("data", (text: Buffer) => (said += text.toString()));
    onTestFinished(async () => {
      end();
      await started.exited;
    });
    const directory = join(
      runtimeDir,
      readdirSync(runtimeDir).find((entry) => entry.startsWith("refold-")) ?? "",
    );
    return {
      ...{
        started,
        directory,
        command,
        end: () => {
          end();
        },
        said: () => said,
      },
      nonce: readFileSync(join(directory, "nonce"), "latin1"),
    };
  }
  const dial = async ({ directory }: Road, first: string): Promise<Socket> => {
    const socket = connect(join(directory, "helper.sock"));
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(first);
    return socket;
  };
  const closed = async (socket: Socket): Promise<void> => {
    socket.resume();
    // that the other end is gone may come as an error first
    if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  };

  test("root's process that knows the nonce, and what it says is passed on", async () => {
    const one = await road([0]);
    const helper = await dial(one, `${one.nonce}hello`);
    const [said] = (await once(one.started.stdout, "data")) as [Buffer];
    expect(said.toString()).toBe("hello");
    one.started.stdin.write("hello yourself");
    const [heard] = (await once(helper, "data")) as [Buffer];
    expect(heard.toString()).toBe("hello yourself");
    helper.destroy();
  });

  test("nobody else: another user's process, a wrong nonce and a short one; root's own comes after them still", async () => {
    const one = await road([NOBODY, 0, 0, 0]);
    await closed(await dial(one, one.nonce));
    await closed(await dial(one, "0".repeat(64)));
    const short = await dial(one, "0");
    short.end();
    await closed(short);
    const helper = await dial(one, `${one.nonce}x`);
    const [said] = (await once(one.started.stdout, "data")) as [Buffer];
    expect(said.toString()).toBe("x");
    expect(one.said()).toContain("user 65534 is not root");
    expect(one.said()).toContain("its nonce is another one");
    helper.destroy();
  });

  test("one client, once: the socket is gone for the next one", async () => {
    const one = await road([0, 0]);
    const helper = await dial(one, `${one.nonce}x`);
    await once(one.started.stdout, "data");
    const again = connect(join(one.directory, "helper.sock"));
    const [error] = (await once(again, "error")) as [NodeJS.ErrnoException];
    expect(["ENOENT", "ECONNREFUSED"]).toContain(error.code);
    helper.destroy();
  });

  test("a path with what a shell acts on reaches no shell's command", async () => {
    const odd = join(runtimeDir, `a 'b' $(touch evil) "c"`);
    mkdirSync(odd);
    const program = join(odd, "refold");
    writeFileSync(program, '#!/bin/sh\nprintf "%s\\n" "$0" "$@" >"${0%/*}/words"\n', { mode: 0o755 });
    const one = await road([], program);
    const name = readdirSync(runtimeDir).find((entry) => entry.startsWith("refold-")) ?? "";
    expect(one.command).toBe(`/bin/sh ${join(runtimeDir, name, "start")}`);
    const shell = spawn("/bin/sh", ["-c", one.command], { cwd: runtimeDir });
    expect(await once(shell, "exit")).toEqual([0, null]);
    const socket = join(runtimeDir, name, "helper.sock");
    expect(readFileSync(join(odd, "words"), "utf8").trimEnd().split("\n")).toEqual([
      ...[program, "rpc", "--mode", "manage", "--socket", socket],
    ]);
    expect(existsSync(join(runtimeDir, "evil"))).toBe(false);
  });

  test("nothing is begun without a directory that is the user's alone", async () => {
    const start = (directory: string | undefined): Promise<unknown> =>
      sudoRoad(
        { program: REFOLD, database: null },
        { runtimeDir: directory, exec: () => undefined, peerUser },
      ).start("manage");
    const open = join(runtimeDir, "open");
    mkdirSync(open);
    chmodSync(open, 0o750);
    for (const directory of [undefined, "relative", join(runtimeDir, "none"), open, "/run/with space"]) {
      await expect(start(directory)).rejects.toThrow("no private directory");
    }
    chmodSync(open, 0o700);
    chownSync(open, NOBODY, NOBODY);
    await expect(start(open)).rejects.toThrow("no private directory");
  });
});

test("who is connected is what the kernel says", async () => {
  const path = join(runtimeDir, "socket");
  const server = createServer().listen(path);
  await once(server, "listening");
  chmodSync(runtimeDir, 0o755);
  chmodSync(path, 0o666);
  for (const uid of [0, NOBODY]) {
    const script = `require("node:net").connect(${JSON.stringify(path)}).on("connect", () => {})`;
    const client = spawn(process.execPath, ["-e", script], { uid, gid: uid });
    const [socket] = (await once(server, "connection")) as [Socket];
    expect(await peerUser(socket)).toBe(uid);
    socket.destroy();
    await once(client, "exit");
    await expect(peerUser(socket)).rejects.toThrow("not known");
  }
  server.close();
});

describe("the helper speaks only to the user who asked for it", () => {
  const NONCE = "5".repeat(64);

  /** A private directory of a user's, with a nonce, and root's own socket in it. */
  async function listen(owner: number): Promise<{ path: string; server: Server; heard: () => string }> {
    const directory = join(runtimeDir, "refold");
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, "nonce"), NONCE);
    const path = join(directory, "helper.sock");
    let heard = "";
    const server = createServer((socket) => {
      socket.on("data", (text: Buffer) => (heard += text.toString()));
    }).listen(path);
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
    });
    for (const name of [directory, join(directory, "nonce")]) chownSync(name, owner, owner);
    return { path, server, heard: () => heard };
  }
  async function helper(
    path: string,
    env: NodeJS.ProcessEnv,
  ): Promise<{ code: number | null; stderr: string }> {
    const db = join(runtimeDir, "db");
    const child = spawn(REFOLD, ["rpc", "--db", db, "--socket", path], {
      env: { PATH: process.env["PATH"], ...env },
    });
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stderr };
  }

  test("who listens there and is asked for: the nonce first, then the protocol", async () => {
    const { path, server } = await listen(0);
    const connected = once(server, "connection") as Promise<[Socket]>;
    const ended = helper(path, { PKEXEC_UID: "0" });
    const [socket] = await connected;
    let said = "";
    socket.on("data", (text: Buffer) => (said += text.toString()));
    socket.write(request(1, "hello", { protocol: PROTOCOL_VERSION, client: "test" }));
    while (!said.includes('"mode"')) await once(socket, "data");
    expect(said.startsWith(`${NONCE}Content-Length: `)).toBe(true);
    socket.end();
    expect((await ended).code).toBe(0);
  });

  test.each([
    ["nobody asked", 0, {}, "nobody asked for it"],
    ["the directory is another user's", 0, { PKEXEC_UID: "65534" }, "not one user's alone"],
    // its directory and nonce are right, and who listens is root
    [
      "somebody else listens in it",
      NOBODY,
      { PKEXEC_UID: "65534" },
      "user 0 listens there, and user 65534 asked",
    ],
  ])("%s: it says nothing and ends", async (_, owner, env, why) => {
    const { path, heard } = await listen(owner);
    const { code, stderr } = await helper(path, env);
    expect([code === 0, heard()]).toEqual([false, ""]);
    expect(stderr).toContain(why);
  });

  test("a directory that others may look into, and a nonce that is a link: it says nothing and ends", async () => {
    const { path, heard } = await listen(0);
    const directory = join(runtimeDir, "refold");
    chmodSync(directory, 0o755);
    expect((await helper(path, { PKEXEC_UID: "0" })).stderr).toContain("not one user's alone");
    chmodSync(directory, 0o700);
    rmSync(join(directory, "nonce"));
    writeFileSync(join(runtimeDir, "elsewhere"), NONCE);
    const { symlinkSync } = await import("node:fs");
    symlinkSync(join(runtimeDir, "elsewhere"), join(directory, "nonce"));
    const { code, stderr } = await helper(path, { PKEXEC_UID: "0" });
    expect([code === 0, heard(), stderr.includes("ELOOP")]).toEqual([false, "", true]);
  });
});
