-- safe-for-older-servers
CREATE INDEX "queue_dead_idx" ON "deputy"."queue" USING btree ("kind") WHERE "deputy"."queue"."state" = 'dead';