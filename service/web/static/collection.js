import "./folder_upload.js";
