-- safe-for-older-servers
CREATE INDEX "credit_entries_settled_at_idx" ON "deputy"."credit_entries" USING btree ("at") WHERE "deputy"."credit_entries"."kind" = 'settle';