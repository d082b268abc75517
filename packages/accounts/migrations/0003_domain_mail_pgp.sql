-- How mail of a domain must be encrypted, decided as the rest of its policy.
alter table account.domain_policy
  add column mail_pgp text check (mail_pgp in ('optional', 'on-arrival', 'required')),
  drop constraint domain_policy_check,
  add constraint domain_policy_check check (num_nonnulls(e2ee, storage, message_ttl_seconds, mail_pgp) > 0);
