DROP INDEX "outbox_due_at_idx";--> statement-breakpoint
CREATE INDEX "outbox_endpoint_due_at_idx" ON "outbox" USING btree ("endpoint","due_at") WHERE "outbox"."state" = 'queued';