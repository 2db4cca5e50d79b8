-- safe-for-older-servers
CREATE INDEX "credit_entries_invocation_idx" ON "deputy"."credit_entries" USING btree ("invocation","seq") WHERE "deputy"."credit_entries"."kind" in ('settle', 'refund');