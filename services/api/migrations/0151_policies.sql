-- The operator's policies in all their versions. Owner: services/api. Public, of nobody, and never deleted: the archive of past versions.
create table api.policy (
  kind text not null check (kind in ('terms', 'acceptable-use', 'privacy', 'website-privacy', 'sla', 'guidelines')),
  -- From 1, without gaps.
  version integer not null check (version > 0),
  published_on date not null,
  -- The first day on which it is in force: thirty days after its publication at least, unless it is the first of its kind.
  effective_on date not null check (effective_on >= published_on),
  -- The notice that tells of an amendment, under an id chosen here so that it is made once; null for a first version.
  notice_id uuid unique,
  -- How many of those who accepted it have been erased since: counted, not known.
  erased_acceptances bigint not null default 0,
  primary key (kind, version)
);

-- One row for each language of a version; never changed.
create table api.policy_text (
  kind text not null,
  version integer not null,
  -- RFC 5646, such as en or fr.
  language text not null check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
  title text not null check (length(title) between 1 and 200),
  -- Plain text; an empty line ends a paragraph.
  body text not null check (length(body) between 1 and 200000),
  primary key (kind, version, language),
  foreign key (kind, version) references api.policy (kind, version)
);

-- Who has agreed to what. One row for each account and version; deleted with the account, and counted then.
create table api.policy_acceptance (
  account_id uuid not null,
  kind text not null,
  version integer not null,
  -- The day (UTC) on which "I agree" was said.
  accepted_on date not null,
  primary key (account_id, kind, version),
  foreign key (kind, version) references api.policy (kind, version)
);
create index policy_acceptance_version on api.policy_acceptance (kind, version);
