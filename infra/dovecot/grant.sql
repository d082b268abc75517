-- Once, as the owner of the database: a role that sees who can sign in to a mailbox and who has one, and nothing else.
create role sealpost_dovecot login password 'CHANGE-ME' connection limit 20;
grant usage on schema account to sealpost_dovecot;
grant select on account.mail_sign_in to sealpost_dovecot;
grant select on account.mail_login to sealpost_dovecot;
grant select on account.mail_user to sealpost_dovecot;
