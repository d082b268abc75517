-- The abuse desk. Owner: services/api, role sealpost_api. What a person wrote is sealed under a key outside Postgres (abuse.key): neither a dump nor a backup shows it.
-- Rows go 180 days after they were closed, a year after they came, and with the account that they are about.

create table api.abuse_report (
  -- Of a report that came by mail, that of the mail at the desk.
  id uuid primary key,
  source text not null check (source in ('form', 'account', 'mail')),
  -- For statistics, and for what is urgent.
  category text not null check (category in ('spam', 'fraud', 'malware', 'harassment', 'illegal', 'other')),
  -- Whether the reporter gave first and last name and a contact, as the policy asks: others are kept apart.
  named boolean not null,
  -- The account of ours that it is about, so that actions reach it and its erasure erases the report; null: nobody knows, or none of ours.
  account_id uuid,
  -- Who reported, signed in; null: nobody knows. Erasing that account takes the reporter off.
  reporter_id uuid,
  -- Sealed: first and last name, contact.
  reporter bytea check (length(reporter) <= 4096),
  -- Sealed: whom or what it is about, what was said, the header of the message as evidence. Null: it is at the mail desk.
  content bytea check (length(content) <= 131072),
  state text not null check (state in ('new', 'in-work', 'closed')),
  outcome text check (outcome in ('acted', 'unfounded', 'duplicate', 'no-action')),
  -- What was done from it, as words: warn, restrict, suspend, block.
  actions text[] not null default '{}',
  received_on date not null,
  closed_on date,
  check ((outcome is null) = (state <> 'closed') and (closed_on is null) = (state <> 'closed'))
);
create index abuse_report_state on api.abuse_report (state, named, id);
create index abuse_report_account on api.abuse_report (account_id);
create index abuse_report_reporter on api.abuse_report (reporter_id);
