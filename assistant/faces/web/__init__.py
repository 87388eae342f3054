"""The page in a browser, and one address for the services and OpenAI Realtime."""
