-- What needs a second pair of eyes. Owner: services/api, role sealpost_api. Erased a day after it was asked for: what became of it is in the audit log.

create table api.approval (
  id uuid primary key,
  -- Name of the command.
  action text collate "C" not null check (length(action) <= 64),
  -- What the command is about, by its id or name, as in the audit log; for the one who decides.
  target_kind text check (length(target_kind) <= 32),
  target_id text check (length(target_id) <= 1100),
  -- JSON: the fields of the request that the audit log may keep.
  details text not null check (length(details) <= 16384),
  -- Why, in the words of who asks.
  reason text check (length(reason) <= 500),
  -- SHA-256 of the command, what it is about and what it is told: nothing else may be done with the approval.
  request_hash bytea not null,
  -- Who asked, and alone may use it: the id of an administrator or of a key.
  requester_kind text not null check (requester_kind in ('administrator', 'key')),
  requester_id uuid not null,
  -- The administrator behind it, who cannot be the one who approves; null: a key that was made on the host.
  asked_by uuid,
  -- Whose administrators decide; null: those of the server.
  organisation_id uuid,
  state text not null check (state in ('open', 'approved', 'refused', 'used')),
  -- The administrator who decided; null while it is open, and when it was done on the host.
  decided_by uuid,
  asked_at timestamptz not null,
  expires_at timestamptz not null
);
create index approval_expiry on api.approval (expires_at);
create index approval_requester on api.approval (requester_id);
