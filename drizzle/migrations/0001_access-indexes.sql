CREATE INDEX "attendees_attendee_created_at_idx" ON "attendees" USING btree ("attendee_id","created_at","record_id");--> statement-breakpoint
CREATE INDEX "events_created_by_created_at_idx" ON "events" USING btree ("created_by","created_at","record_id");--> statement-breakpoint
CREATE INDEX "events_visibility_created_at_idx" ON "events" USING btree ("visibility","created_at","record_id");