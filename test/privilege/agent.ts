/**
 * An authentication agent, as a desktop has one: agent.ts SESSION HOW NAME PASSWORD.
 * It registers itself with polkitd for the person's session, says "ready", and
 * a line of JSON for each question. HOW: "answers" gives polkit's own helper
 * the password, which asks PAM; "dismisses" is a person who closes the dialog.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import dbus from "@particle/dbus-next";

const [session = "", how = "answers", name = "", password = ""] = process.argv.slice(2);
const AUTHORITY = "org.freedesktop.PolicyKit1";
const AGENT = "/org/refold/test/AuthenticationAgent";
const HELPER = "/usr/lib/polkit-1/polkit-agent-helper-1";

/** polkit-agent-helper-1 (setuid): the cookie first, then PAM's questions one a line. */
async function authenticate(cookie: string): Promise<boolean> {
  const helper = spawn(HELPER, [name], { stdio: ["pipe", "pipe", "inherit"] });
  helper.stdin.write(`${cookie}\n`);
  let success = false;
  for await (const line of createInterface({ input: helper.stdout })) {
    if (line.startsWith("PAM_PROMPT")) helper.stdin.write(`${password}\n`);
    if (line.startsWith("SUCCESS")) success = true;
  }
  return success;
}

class Agent extends dbus.interface.Interface {
  async BeginAuthentication(
    action: string,
    message: string,
    _icon: string,
    _details: unknown,
    cookie: string,
  ): Promise<void> {
    process.stdout.write(`${JSON.stringify({ action, message })}\n`);
    if (how === "dismisses") throw new dbus.DBusError(`${AUTHORITY}.Error.Cancelled`, "dismissed");
    // of a wrong password polkit is told nothing: it asks no second time, which a person may
    await authenticate(cookie);
  }
  CancelAuthentication(): void {
    // the question was withdrawn
  }
}
Agent.configureMembers({
  methods: {
    BeginAuthentication: { inSignature: "sssa{ss}sa(sa{sv})", outSignature: "" },
    CancelAuthentication: { inSignature: "s", outSignature: "" },
  },
});

const bus = dbus.systemBus();
bus.export(AGENT, new Agent(`${AUTHORITY}.AuthenticationAgent`));
const subject = ["unix-session", { "session-id": new dbus.Variant("s", session) }];
const authority = (member: string, signature: string, body: unknown[]) =>
  bus.call(
    new dbus.Message({
      destination: AUTHORITY,
      path: "/org/freedesktop/PolicyKit1/Authority",
      interface: `${AUTHORITY}.Authority`,
      ...{ member, signature, body },
    }),
  );
await authority("RegisterAuthenticationAgent", "(sa{sv})ss", [subject, "C", AGENT]);
process.stdout.write("ready\n");
// it goes with its input; polkitd knows of no agent then
process.stdin.resume();
await once(process.stdin, "end");
await authority("UnregisterAuthenticationAgent", "(sa{sv})s", [subject, AGENT]);
process.exit(0);
