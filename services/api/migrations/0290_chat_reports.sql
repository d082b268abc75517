-- Reports of abuse that come from chat clients (XEP-0377, ad-hoc commands) are told from those over the API. Those that came before say `account`.
alter table api.abuse_report drop constraint abuse_report_source_check;
alter table api.abuse_report add constraint abuse_report_source_check check (source in ('form', 'account', 'chat', 'mail'));
