import type { Json } from 'planwright';

const byStep: Readonly<Record<string, Json>> = {
  research: {
    summary:
      'Small teams buy a status page after their first long outage. They want it up in an hour, and they forget it until the next one. ' +
      'Hosted products start near 29 USD a month; open-source ones cost an evening and a server that goes down with the rest.',
    sources: ['Vendor price pages', 'Forum threads on outages', 'Six recorded interviews'],
  },
  'discuss:1:analyst': {
    position: 'For teams of 5 to 20 with someone on call: they feel the pain and can pay by card.',
    risks: ['Free tiers of larger products', 'Bought once, looked at twice a year'],
  },
  'discuss:1:researcher': {
    position: 'For the person who has to write the update at 3 a.m.; sell calm, not pixels.',
    risks: ['Six interviews are few', 'All six are in Europe'],
  },
  'discuss:1:writer': { position: 'One promise: your customers know before they ask. Everything else is a footnote.' },
  segments: [
    { segment: 'Solo founders', size: 'large', willPay: 'no' },
    { segment: 'Teams of 5 to 20 on call', size: 'medium', willPay: 'yes, by card' },
    { segment: 'Platform teams', size: 'small', willPay: 'yes, after procurement' },
  ],
  competitors: [
    { name: 'Incumbent suite', strength: 'known by every buyer', weakness: 'priced for platform teams' },
    { name: 'Open-source page', strength: 'free', weakness: 'runs on what is down' },
    { name: 'Monitoring add-on', strength: 'there already', weakness: 'speaks in metrics, not in sentences' },
    { name: 'Chat announcement', strength: 'no set-up', weakness: 'customers are not in the chat' },
    { name: 'Nothing', strength: 'costs nothing', weakness: 'support answers the same question 200 times' },
  ],
  interviews: {
    words: ['calm', 'before they ask', 'one person at 3 a.m.'],
    annoyances: ['Writing updates under stress', 'Forgetting to close an incident', 'Paying for seats that nobody uses'],
  },
  'price-scan': { freeTier: 'four of five', firstPaidTierUsd: [29, 0, 19, 0, 0], metered: 'subscribers and team members' },
  channels: ['Search after an outage', 'Advice of the hosting provider', 'Other founders'],
  personas: [
    { name: 'Mara, on call', job: 'Keeps the service up and writes the update', fear: 'Being alone with 200 tickets' },
    { name: 'Jon, founder', job: 'Keeps the customers', fear: 'Losing one because nobody told them' },
  ],
  'value-map': [
    { complaint: 'Writing under stress', today: 'nobody helps', beacon: 'updates drafted from the alert, sent by a person' },
    { complaint: 'Forgetting to close', today: 'add-ons close by metric', beacon: 'asks every 30 minutes until it is closed' },
    { complaint: 'Paying for seats', today: 'all meter seats', beacon: 'one price for a team' },
  ],
  pricing: {
    monthlyUsd: 19,
    reasoning: 'Below the first paid tier of the incumbent, above what a card statement makes one question; no seats.',
  },
  messages: [
    { message: 'Your customers know before they ask.', proof: 'Update out within 60 seconds of the alert' },
    { message: 'One person at 3 a.m. is enough.', proof: 'Drafts from the alert, one tap to send' },
    { message: 'One price. Everybody on the team.', proof: '19 USD a month, no seats' },
  ],
  objections: [
    { objection: 'We have a page already.', answer: 'Who updated it last time, and when? Import it and see the first draft.' },
    { objection: 'It is only needed twice a year.', answer: 'So is the fire exit. It costs less than one lost customer.' },
    {
      objection: 'What if Beacon is down?',
      answer: 'It runs on two providers that are not yours. The page is static once written.',
    },
    { objection: 'The free tier elsewhere is enough.', answer: 'It meters subscribers, and they subscribe on the bad day.' },
  ],
  synthesis: {
    title: 'Beacon: positioning',
    document: `# Beacon: positioning

**For** software teams of 5 to 20 with someone on call, **who** lose an hour of every outage to the same question, **Beacon is** a
hosted status page **that** tells customers before they ask. **Unlike** suites priced for platform teams and pages that go down
with the service, it drafts the update from the alert and costs one price for the whole team.

## Whom it is for

Mara, who is on call and writes the update at 3 a.m., and Jon, who loses the customer that nobody told.

## What we say

1. Your customers know before they ask. (An update is out within 60 seconds of the alert.)
2. One person at 3 a.m. is enough. (Drafts from the alert, one tap to send.)
3. One price. Everybody on the team. (19 USD a month, no seats.)

## What they will ask

"We have a page already." Who updated it last time, and when? Import it and see the first draft.

## What is missing

Six interviews, all in Europe. The price has not been tested with a buyer.
`,
  },
};

/**
 * What the offline agents of the market study answer, by step. Invented, and in the place of what models would write: the
 * point of the example is how the work is run, not the work.
 */
export const answers: ReadonlyMap<string, Json> = new Map(Object.entries(byStep));
