-- What people ask about their own data, and what became of it. Owner: services/api.
-- One row for each request. When the account is erased everything that leads to it is taken out, and the request closed; what is left is the record that laws on
-- privacy ask for: that a request of a kind came on a day, and was answered on another. Deleted three years after it was closed.
create table api.privacy_request (
  -- Random.
  id uuid primary key,
  -- Who asks; null once the account is erased.
  account_id uuid,
  kind text not null check (kind in ('access', 'correction', 'deletion', 'portability', 'objection')),
  state text not null check (state in ('open', 'answered', 'refused')),
  -- account: asked by the account itself; administrator: came another way and was recorded.
  origin text not null check (origin in ('account', 'administrator')),
  -- In the person's words. Null once the account is erased.
  details text check (length(details) <= 2000),
  received_on date not null,
  -- The day by which it must be answered.
  due_on date not null,
  -- The day of the answer or refusal.
  closed_on date,
  -- What was answered, or why it was refused. Null once the account is erased.
  answer text check (length(answer) <= 2000),
  check ((state = 'open') = (closed_on is null))
);
create index privacy_request_account on api.privacy_request (account_id) where account_id is not null;
create index privacy_request_received on api.privacy_request (received_on, id);
