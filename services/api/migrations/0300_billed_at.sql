-- Webhooks of the billing system come in no order, and late ones again: what was said before does not undo what was said after.
alter table api.subscription
  -- When the billing system said what stands here, by its own clock; null: an administrator did. Goes with the subscription.
  add billed_at timestamptz;
