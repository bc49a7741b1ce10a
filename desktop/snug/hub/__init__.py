"""The Hub: listing, licences, downloads. The only room that opens outbound connections."""
