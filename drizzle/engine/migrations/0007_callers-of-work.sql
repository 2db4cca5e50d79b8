-- safe-for-older-servers
DROP INDEX "deputy"."queue_lane_due_at_idx";--> statement-breakpoint
ALTER TABLE "deputy"."queue" ADD COLUMN "caller_group" smallint GENERATED ALWAYS AS (case when caller is null then -1 else (hashtextextended(caller, 0) & 15)::int end) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "queue_lane_caller_group_due_at_idx" ON "deputy"."queue" USING btree ("lane","caller_group","due_at") WHERE "deputy"."queue"."state" = 'queued';