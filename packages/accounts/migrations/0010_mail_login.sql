-- What a mailbox server needs to sign users in by the same verifiers (infra/dovecot): active accounts only, in the notation of Dovecot's SCRAM-SHA-256 scheme
-- (iterations, salt, StoredKey, ServerKey). Keeps nothing itself. Nobody may read it until an operator grants it.
create view account.mail_login with (security_barrier) as
select
  account.localpart || '@' || account.domain as address,
  '{SCRAM-SHA-256}' || credential.iterations || ',' || encode(credential.salt, 'base64') || ',' || encode(credential.stored_key, 'base64') || ','
    || encode(credential.server_key, 'base64') as password
from account.account
join account.credential on credential.account_id = account.id
where account.state = 'active' and credential.hash = 'SHA-256';
