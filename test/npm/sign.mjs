// The senders' own libraries. Reads a job a line, in JSON, and answers each with a line: the headers of a body
// that is to be signed, or whether the library takes headers and body as genuine.
import { createInterface } from "node:readline";

import { sign, verify } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import { Stripe } from "stripe";

const stripe = new Stripe("sk_test_not_real");

const senders = {
  "standard-webhooks": {
    sign: ({ secret, id, time, body }) => ({
      "webhook-id": id,
      "webhook-timestamp": String(time),
      "webhook-signature": new Webhook(secret).sign(id, new Date(time * 1000), body),
    }),
    verify: ({ secret, headers, body }) => new Webhook(secret).verify(body, headers),
  },
  stripe: {
    sign: ({ secret, time, body }) => ({
      "stripe-signature": stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: time }),
    }),
    verify: ({ secret, headers, body }) => stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret),
  },
  github: {
    sign: async ({ secret, body }) => ({ "x-hub-signature-256": await sign(secret, body) }),
    verify: ({ secret, headers, body }) => verify(secret, body, headers["x-hub-signature-256"]),
  },
};

// Two of the libraries throw at what is not genuine, one says false.
async function isGenuine(sender, job) {
  try {
    return (await sender.verify(job)) !== false;
  } catch {
    return false;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const sender = senders[job.sender];
  console.log(JSON.stringify(job.headers ? await isGenuine(sender, job) : await sender.sign(job)));
}
